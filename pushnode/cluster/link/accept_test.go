package link

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"halley/pushnode/cluster/trust"
)

// accepting runs a mesh of instance 5 that wants instance 9, and returns it.
func accepting(tb testing.TB, identity *trust.Identity) *Mesh {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	m, err := New(Config{
		Instance: 5, Cluster: 7, Label: "test", Identity: identity, Listener: listener,
		Up: func(uint64) {}, Down: func(uint64, Reason) {}, Receive: func(uint64, Class, []byte) {},
	})
	if err != nil {
		tb.Fatal(err)
	}
	m.SetPeers([]Peer{{Instance: 9, Address: "127.0.0.1:1"}, {Instance: 3, Address: "127.0.0.1:1"}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Run(tb.Context())
	}()
	tb.Cleanup(func() {
		m.Close()
		<-done
	})
	return m
}

// greeting is a hello that fits.
func greeting() hello {
	return hello{min: 1, max: 1, label: labelHash("test"), cluster: 7, from: 9, to: 5, number: 1}
}

// greet says hello to a mesh and returns the answer.
func greet(tb testing.TB, m *Mesh, config *tls.Config, h hello) answer {
	tb.Helper()
	conn, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		tb.Fatal(err)
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	if err := writeGreeting(conn, h.append(nil)); err != nil {
		tb.Fatal(err)
	}
	w, err := readWelcome(conn)
	if err != nil {
		tb.Fatal(err)
	}
	if w.instance != 5 {
		tb.Errorf("instance %x answers", w.instance)
	}
	return w.answer
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name   string
		change func(*hello)
		want   answer
	}{
		{"a link", func(*hello) {}, welcomed},
		{"a probe", func(h *hello) { h.purpose = probing }, welcomed},
		{"a stranger's probe", func(h *hello) { h.purpose, h.from = probing, 77 }, welcomed},
		{"a stranger", func(h *hello) { h.from = 77 }, unknown},
		{"another label", func(h *hello) { h.label = 1 }, otherLabel},
		{"another cluster", func(h *hello) { h.cluster = 8 }, otherCluster},
		{"a newer version", func(h *hello) { h.min, h.max = 2, 3 }, otherVersion},
		{"an older version", func(h *hello) { h.min, h.max = 0, 0 }, otherVersion},
		{"a wider range", func(h *hello) { h.min, h.max = 0, 9 }, welcomed},
		{"another instance is meant", func(h *hello) { h.to = 6 }, otherInstance},
		{"another cluster's, and another instance is meant", func(h *hello) { h.to, h.cluster = 6, 8 }, otherCluster},
		{"the one to be dialled", func(h *hello) { h.from = 3 }, otherRole},
		{"data without control", func(h *hello) { h.class = Data }, stale},
		{"no number", func(h *hello) { h.number = 0 }, stale},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := greeting()
			test.change(&h)
			if got := greet(t, accepting(t, nil), nil, h); got != test.want {
				t.Errorf("the answer is %v, want %v", got, test.want)
			}
		})
	}
}

// A link's number is taken once, and an older one never after it.
func TestNumbersOfLinksRise(t *testing.T) {
	m := accepting(t, nil)
	for _, step := range []struct {
		class  Class
		number uint64
		want   answer
	}{
		{Control, 2, welcomed}, {Control, 1, stale}, {Control, 2, stale}, {Data, 1, stale}, {Data, 2, welcomed},
		{Control, 3, welcomed}, {Bulk, 2, stale}, {Data, 3, welcomed}, {Bulk, 3, welcomed}, {Bulk, 3, stale},
	} {
		h := greeting()
		h.class, h.number = step.class, step.number
		if got := greet(t, m, nil, h); got != step.want {
			t.Errorf("%v of link %d: %v, want %v", step.class, step.number, got, step.want)
		}
		if step.want == welcomed {
			awaitAdded(t, m.peer(h.from), step.class)
		}
	}
}

// awaitAdded waits until a connection that was welcomed is one of its link's: the welcome is written before.
func awaitAdded(t *testing.T, p *peer, class Class) {
	t.Helper()
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-ticks.C {
		p.mu.Lock()
		added := p.offer == nil || p.offer.conns[class] != nil
		p.mu.Unlock()
		if added {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the %v connection is not added", class)
		}
	}
}

// Who holds the secret still is only who its certificate says.
func TestACertificateBindsTheHello(t *testing.T) {
	secrets, err := trust.Parse([]byte("q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="))
	if err != nil {
		t.Fatal(err)
	}
	identity := func(instance uint64) *trust.Identity {
		identity, err := secrets.Identity(instance)
		if err != nil {
			t.Fatal(err)
		}
		return identity
	}
	m := accepting(t, identity(5))
	if got := greet(t, m, identity(8).Client(), greeting()); got != falseName {
		t.Errorf("a false name is answered with %v", got)
	}
	if got := greet(t, m, identity(9).Client(), greeting()); got != welcomed {
		t.Errorf("the true one is answered with %v", got)
	}
	if got := greet(t, m, nil, greeting()); got != otherSecurity {
		t.Errorf("a plain hello is answered with %v", got)
	}

	conn, err := tls.Dial("tcp", m.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		defer conn.Close()
		_ = writeGreeting(conn, greeting().append(nil)) // may or may not be late: the answer counts
		_, err = readWelcome(conn)
	}
	if err == nil {
		t.Error("a node without a certificate is answered")
	}
}

// A link that does not become whole is given up, and its connections are closed.
func TestAnOfferExpires(t *testing.T) {
	m := accepting(t, nil)
	p := m.peer(9)
	if verdict := p.admit(greeting()); verdict != welcomed {
		t.Fatal(verdict)
	}
	near, far := net.Pipe()
	defer far.Close()
	if !p.add(greeting(), near) {
		t.Fatal("not added")
	}
	p.mu.Lock()
	o := p.offer
	p.mu.Unlock()
	p.expire(o)
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if late := greeting(); p.add(late, near) {
		t.Error("an expired link goes on")
	}
}
