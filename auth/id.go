package auth

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// idEncoding is base32 with digits before letters, so that ids sort by the time they were made, as their bytes do.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an id: the prefix as it is given ("msg_"), then 26 characters of lower-case base32 that hold the Unix time in
// milliseconds (48 bit) and 80 random bits. Ids of one prefix sort by the millisecond they were made in.
func NewID(prefix string) string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	var clock [8]byte
	binary.BigEndian.PutUint64(clock[:], uint64(time.Now().UnixMilli()))
	copy(raw[:6], clock[2:])
	var text [32]byte // room for the prefixes that there are: an id is one allocation, and every publication needs one
	return string(idEncoding.AppendEncode(append(text[:0], prefix...), raw[:]))
}
