package verify

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
)

// rotation is the file of the cluster's secret, and how far its change has come. The first secret of the file is used, all are accepted.
type rotation struct {
	file string
	old  string
	new  string
	step int // 0: the old one alone; 1: the new one is accepted too; 2: the new one is used
}

func newRotation(file string) rotation {
	return rotation{file: file, old: newSecret(), new: newSecret()}
}

func newSecret() string { return rand.Text() + rand.Text() }

// write writes the file as the step wants it.
func (r *rotation) write() error {
	secrets := [][]string{{r.old}, {r.old, r.new}, {r.new, r.old}}[r.step]
	return os.WriteFile(r.file, []byte(strings.Join(secrets, "\n")+"\n"), 0o600)
}

// next goes one step on. After the third the new secret is the only one, and another change can begin.
func (r *rotation) next() error {
	if r.step++; r.step == 3 {
		r.old, r.new, r.step = r.new, newSecret(), 0
	}
	return r.write()
}

// detail says what the next step does.
func (r *rotation) detail() string {
	return []string{"rotate: accept a new secret, from", "rotate: use the new secret, from", "rotate: forget the old secret, from"}[r.step]
}

// rotate goes one step on, and restarts every node as an upgrade does.
func (s *surgeon) rotate(ctx context.Context) (detail string, do func() error) {
	return s.cluster.secret.detail(), func() error {
		if err := s.cluster.secret.next(); err != nil {
			return err
		}
		for _, n := range s.cluster.nodes {
			if err := s.drain(n); err != nil {
				return err
			}
			if err := n.awaitReady(ctx, s.cluster.Target); err != nil {
				return err
			}
		}
		return nil
	}
}
