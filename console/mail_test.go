package console_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"halley/console"
)

// post is a mail server that takes everything.
type post struct {
	listener net.Listener
	serving  sync.WaitGroup
	mails    chan string // what was said of each mail, envelope and text
}

func newPost(t *testing.T) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{listener: listener, mails: make(chan string, 10)}
	p.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.serving.Wait()
	})
	return p
}

func (p *post) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	lines := bufio.NewScanner(conn)
	say("220 post ESMTP")
	var mail strings.Builder
	for body := false; lines.Scan(); {
		line := lines.Text()
		mail.WriteString(line + "\n")
		switch command := strings.ToUpper(line); {
		case body && line == ".":
			body = false
			p.mails <- mail.String()
			say("250 taken")
		case body:
		case strings.HasPrefix(command, "EHLO"):
			say("250 post")
		case command == "DATA":
			body = true
			say("354 go on")
		case command == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	server := newPost(t)
	port := server.listener.Addr().(*net.TCPAddr).Port
	config := console.SMTPConfig{Host: "127.0.0.1", Port: port, From: "Halley <halley@example.com>", Insecure: true}
	mailer, err := console.NewSMTPMailer(config)
	if err != nil {
		t.Fatal(err)
	}
	mail := console.Mail{
		To: "ada@example.com", Subject: "Hällo", Body: "One line.\nhttps://push.example.com/reset/password?token=a_b-c\n",
	}
	if err := mailer.Send(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	got := <-server.mails
	for _, want := range []string{
		"MAIL FROM:<halley@example.com>", "RCPT TO:<ada@example.com>", `From: "Halley" <halley@example.com>`, "One line.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	// Nothing that a stranger writes becomes a header or another recipient.
	if err := mailer.Send(t.Context(), console.Mail{To: "ada@example.com\r\nBcc: eve@example.com", Subject: "x"}); err == nil {
		t.Error("an address with a line break was taken")
	}
	broken := console.Mail{To: "ada@example.com", Subject: "x\r\nBcc: eve@example.com", Body: "y"}
	if err := mailer.Send(t.Context(), broken); err == nil {
		if text := <-server.mails; strings.Contains(text, "\nBcc: eve") {
			t.Errorf("a subject became a header:\n%s", text)
		}
	}
	config.Insecure = false
	strict, err := console.NewSMTPMailer(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := strict.Send(t.Context(), mail); err == nil {
		t.Error("a mail went out without TLS")
	}
}

func TestSMTPConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []console.SMTPConfig{
		{}, {Host: "mail.example.com"}, {Host: "mail.example.com", From: "nobody"}, {Host: "a", From: "a@example.com", Port: -1},
	} {
		if _, err := console.NewSMTPMailer(config); err == nil {
			t.Errorf("%+v was taken", config)
		}
	}
	good := console.SMTPConfig{Host: "a", From: "a@example.com", Port: 465, Username: "u", Password: "p"}
	if _, err := console.NewSMTPMailer(good); err != nil {
		t.Error(err)
	}
}

func TestLogMailer(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	mailer := console.LogMailer{Logger: slog.New(slog.NewTextHandler(&text, nil))}
	house := newHouse(t, func(c *console.Config) { c.Mailer = mailer })
	house.visitor().post("/reset", "email", "ada@example.com").want(t, http.StatusOK, "This server has no mail set up")
	mail := console.Mail{To: "bob@example.com", Subject: "s", Body: "the link"}
	if err := mailer.Send(t.Context(), mail); err != nil || !strings.Contains(text.String(), "the link") {
		t.Errorf("%v: %s", err, text.String())
	}
}

// stuckMailer answers when its context ends.
type stuckMailer struct{}

func (stuckMailer) Send(ctx context.Context, _ console.Mail) error {
	<-ctx.Done()
	return errors.New("stuck")
}

// A mail server that hangs holds up neither requests nor the end of the process, and the log says what was lost.
func TestStuckMailServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := &logBook{}
		box := console.NewPostbox(stuckMailer{}, slog.New(slog.NewTextHandler(book, nil)))
		for range 300 {
			box.Drop(func(context.Context) (*console.Draft, error) { return &console.Draft{}, nil })
		}
		if !strings.Contains(book.String(), "too many are waiting") {
			t.Error("the box has no bound")
		}
		time.Sleep(31 * time.Second)
		if !strings.Contains(book.String(), "stuck") {
			t.Error("a mail was given up without a word")
		}
		box.Close()
	})
}
