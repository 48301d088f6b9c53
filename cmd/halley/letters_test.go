package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// serving is a node in this process whose log can be read while it runs.
type serving struct {
	t    *testing.T
	url  string
	log  <-chan string // its lines; closed when the node has ended
	data string
}

// serveHere starts a node that ends with the test.
func serveHere(t *testing.T, flags ...string) *serving {
	t.Helper()
	s := &serving{t: t, data: t.TempDir()}
	arguments := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data-dir", s.data}, flags...)
	grammar, err := parse(t, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	stdout, say := io.Pipe()
	log, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := grammar.Serve.Run(&process{ctx: ctx, stdin: strings.NewReader(""), stdout: say, stderr: write}, grammar.Log)
		_, _ = say.Close(), write.Close()
		ended <- err
	}()
	lines := linesOf(log)
	s.log = lines
	t.Cleanup(func() {
		stop()
		for range lines { // what nobody read must not hold the node up
		}
		if err := <-ended; err != nil {
			t.Errorf("the node ended with %v", err)
		}
	})
	for line := range linesOf(stdout) {
		var ready bool
		if s.url, ready = strings.CutPrefix(line, "Halley is ready: "); ready {
			return s
		}
	}
	t.Fatal("the node is not ready")
	return nil
}

// linesOf reads lines until the end, and keeps many that nobody has asked for yet.
func linesOf(r io.Reader) <-chan string {
	lines := make(chan string, 10_000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// logged waits for the line of the log that has text in it.
func (s *serving) logged(text string) string {
	s.t.Helper()
	end := time.After(patience)
	for {
		select {
		case line, more := <-s.log:
			if strings.Contains(line, text) {
				return line
			}
			if !more {
				s.t.Fatalf("the log ends without %q", text)
			}
		case <-end:
			s.t.Fatalf("the log does not say %q", text)
		}
	}
}

// post sends a form as a page of the console does, and returns the status.
func (s *serving) post(path string, fields url.Values) int {
	s.t.Helper()
	response, err := plainClient().PostForm(s.url+path, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestLinkInTheLog gets a password back without a mail server: by the link in the log, whatever its level and form.
func TestLinkInTheLog(t *testing.T) {
	t.Parallel()
	for form, link := range map[string]*regexp.Regexp{
		"text": regexp.MustCompile(` link="?(http://[^ "]+)`), "json": regexp.MustCompile(`"link":"(http://[^"]+)"`),
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			s := serveHere(t, "--log-format", form, "--log-level", "error")
			made := execute("admin", "create-app", "--data-dir", s.data, "--account", "acme", "--app", "shop", "--email", "ada@b.example")
			if made.code != exitOK {
				t.Fatalf("create-app: %+v", made)
			}
			if status := s.post("/reset", url.Values{"email": {"ada@b.example"}}); status != http.StatusOK {
				t.Fatalf("to ask for a link: %d", status)
			}
			line := s.logged("mail not sent")
			found := link.FindStringSubmatch(line)
			if found == nil {
				t.Fatalf("no link in %s", line)
			}
			followed, err := url.Parse(found[1])
			if err != nil {
				t.Fatal(err)
			}
			token := followed.Query().Get("token")
			if strings.Contains(line, redacted) || !strings.Contains(line, "token="+token) || len(token) < 20 {
				t.Errorf("the link is cut: %s", line)
			}
			fields := url.Values{"token": {token}, "password": {"a comet comes back in 2061"}}
			if status := s.post("/reset/password", fields); status != http.StatusSeeOther {
				t.Errorf("the link does not set a password: %d", status)
			}
		})
	}
}
