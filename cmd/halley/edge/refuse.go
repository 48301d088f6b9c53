package edge

import (
	"fmt"
	"net/http"
	"strconv"

	"halley/pushnode/wire"
)

// refuse answers with an error from the table, as the API does.
func refuse(w http.ResponseWriter, fault *wire.Error) {
	header := w.Header()
	status, body := refusal(header, fault)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refusal is what that answer says in its head, its status and its body.
func refusal(head head, fault *wire.Error) (status int, body []byte) {
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	if wait := fault.RetryAfterHeader(); wait != "" {
		head.Set("Retry-After", wait)
	}
	return fault.Code.Status(), wire.AppendErrorBody(nil, fault)
}

// rawRefusal is the same answer for a connection that never becomes a request.
func rawRefusal(fault *wire.Error) []byte {
	body := wire.AppendErrorBody(nil, fault)
	status := fault.Code.Status()
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: %s\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), len(body), fault.RetryAfterHeader())
	return append([]byte(head), body...)
}
