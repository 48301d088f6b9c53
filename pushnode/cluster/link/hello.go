package link

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
)

// The versions of the protocol that this code speaks.
const (
	minVersion = 1
	maxVersion = 1
)

// Both greetings have a fixed size, whatever the version, so that versions that do not fit can still say so.
const (
	magic        = "HLY\x01"
	helloBytes   = 52
	welcomeBytes = 18
)

// errMisfit means that what answers, or asks, does not speak as a node of this cluster.
var errMisfit = errors.New("not a node of this cluster")

// purpose is what a dialled connection is for.
type purpose uint8

const (
	joining purpose = iota // to be part of a link
	probing                // to see who answers; closed after the welcome
)

// hello is the first that a dialling node says on a connection.
//
//	0  magic            4  lowest version     5  highest version   6  purpose   7  class
//	8  label's hash    16  cluster           24  own instance     32  expected instance
//	40 link number     48  CRC-32C
type hello struct {
	min, max uint8
	purpose  purpose
	class    Class
	label    uint64 // of the deployment: see labelHash
	cluster  uint64
	from, to uint64 // instances
	number   uint64 // of the link; those of one dialling process rise
}

func (h hello) append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, h.min, h.max, uint8(h.purpose), uint8(h.class))
	for _, field := range []uint64{h.label, h.cluster, h.from, h.to, h.number} {
		b = binary.BigEndian.AppendUint64(b, field)
	}
	return appendSum(b)
}

func readHello(conn io.Reader) (hello, error) {
	var b [helloBytes]byte
	if err := readGreeting(conn, b[:]); err != nil {
		return hello{}, err
	}
	field := func(i int) uint64 { return binary.BigEndian.Uint64(b[8+8*i:]) }
	h := hello{min: b[4], max: b[5], purpose: purpose(b[6]), class: Class(b[7]),
		label: field(0), cluster: field(1), from: field(2), to: field(3), number: field(4)}
	if h.class >= classes || h.purpose > probing || h.from == 0 || h.min > h.max {
		return hello{}, fmt.Errorf("%w: a hello that makes no sense", errMisfit)
	}
	return h, nil
}

// answer is what a hello is answered with.
type answer uint8

const (
	welcomed      answer = iota
	unknown              // the accepting node does not want the dialling one yet
	stale                // there is a newer link, or the link's control connection is gone
	otherInstance        // the accepting node is another than expected
	otherLabel           // another deployment's
	otherCluster         // another cluster's
	otherVersion         // no version in common
	otherRole            // the accepting node is the one to dial
	falseName            // the certificate names another instance than the hello
	otherSecurity        // the accepting node takes no plain connections
	otherProtocol        // what came is no hello of ours
	answers
)

func (a answer) String() string {
	if a < answers {
		return [answers]string{"welcome", "unknown instance", "an older link", "another instance answers", "another label",
			"another cluster", "no version in common", "the other node is to dial", "the certificate names another instance", "it asks for the cluster's secret", "no hello"}[a]
	}
	return fmt.Sprintf("answer %d", uint8(a))
}

// welcome is the answer to a hello.
//
//	0  magic   4  version   5  answer   6  own instance   14  CRC-32C
type welcome struct {
	version  uint8
	answer   answer
	instance uint64
}

func (w welcome) append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, w.version, uint8(w.answer))
	return appendSum(binary.BigEndian.AppendUint64(b, w.instance))
}

func readWelcome(conn io.Reader) (welcome, error) {
	var b [welcomeBytes]byte
	if err := readGreeting(conn, b[:]); err != nil {
		return welcome{}, err
	}
	w := welcome{version: b[4], answer: answer(b[5]), instance: binary.BigEndian.Uint64(b[6:])}
	if w.answer >= answers || w.instance == 0 {
		return welcome{}, fmt.Errorf("%w: a welcome that makes no sense", errMisfit)
	}
	return w, nil
}

// readGreeting fills b. The magic is judged before the rest has come: whoever speaks first here may not know our lengths.
func readGreeting(conn io.Reader, b []byte) error {
	if _, err := io.ReadFull(conn, b[:len(magic)]); err != nil {
		return err
	}
	if string(b[:len(magic)]) != magic {
		return fmt.Errorf("%w: it speaks another protocol", errMisfit)
	}
	if _, err := io.ReadFull(conn, b[len(magic):]); err != nil {
		return err
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(sum) {
		return fmt.Errorf("%w: a damaged greeting", errMisfit)
	}
	return nil
}

func appendSum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func writeGreeting(conn net.Conn, b []byte) error {
	_, err := conn.Write(b)
	return err
}

// labelHash shortens the label of a deployment. It keeps mistakes apart, not attackers.
func labelHash(label string) uint64 {
	sum := sha256.Sum256([]byte(label))
	return binary.BigEndian.Uint64(sum[:])
}

// refusalError is a hello that was answered, and not with a link.
type refusalError struct {
	answer   answer
	instance uint64 // that answered
	self     bool   // it is our own
}

func (e *refusalError) Error() string {
	return fmt.Sprintf("instance %016x answers: %v", e.instance, e.answer)
}

func (e *refusalError) evidence() Reason {
	switch {
	case e.self:
		return Misfit
	case e.answer == otherInstance:
		return Replaced
	case e.answer == unknown, e.answer == stale:
		return 0
	}
	return Misfit
}
