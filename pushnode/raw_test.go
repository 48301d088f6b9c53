package pushnode_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// raw sends the head of a request and then exactly tail, which holds further headers and whatever comes after them, over a
// connection of its own. closes says that the client closes its side then.
func (n *node) raw(t testing.TB, request *http.Request, tail string, closes bool) reply {
	t.Helper()
	head := new(bytes.Buffer)
	head.WriteString(request.Method + " " + request.URL.RequestURI() + " HTTP/1.1\r\nHost: " + n.address + "\r\n")
	if err := request.Header.Write(head); err != nil {
		t.Fatal(err)
	}
	head.WriteString(tail)
	conn := must(net.Dial("tcp", n.address))(t)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(head.Bytes()); err != nil {
		t.Fatal(err)
	}
	if closes {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	response := must(http.ReadResponse(bufio.NewReader(conn), request))(t)
	defer response.Body.Close()
	if err := checkExchange(request, nil, response); err != nil {
		t.Errorf("%s %s breaks the specification: %v", request.Method, request.URL, err)
	}
	text := must(io.ReadAll(response.Body))(t)
	return reply{Status: response.StatusCode, Header: response.Header, Text: string(text), JSON: decode(t, text)}
}
