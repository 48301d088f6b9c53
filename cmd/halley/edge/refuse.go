package edge

import (
	"fmt"
	"net/http"
	"strconv"

	"halley/pushnode/wire"
)

// refuse answers with an error from the table, as the API does.
func refuse(w http.ResponseWriter, fault *wire.Error) {
	body := wire.AppendErrorBody(nil, fault)
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if wait := fault.RetryAfterHeader(); wait != "" {
		header.Set("Retry-After", wait)
	}
	w.WriteHeader(fault.Code.Status())
	_, _ = w.Write(body)
}

// rawRefusal is the same answer for a connection that never becomes a request.
func rawRefusal(fault *wire.Error) []byte {
	body := wire.AppendErrorBody(nil, fault)
	status := fault.Code.Status()
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nRetry-After: %s\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), len(body), fault.RetryAfterHeader())
	return append([]byte(head), body...)
}
