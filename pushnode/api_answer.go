package pushnode

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"halley/pushnode/wire"
)

// answer writes a JSON answer. That the client has gone meanwhile is nobody's fault.
func answer(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refuse answers with an error from the table.
func (n *Node) refuse(w http.ResponseWriter, r *http.Request, err error) {
	fault := n.clientError(r, err)
	header := w.Header()
	if fault.Code.Status() == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="halley"`)
	}
	if wait := fault.RetryAfterHeader(); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("X-Content-Type-Options", "nosniff")
	answer(w, fault.Code.Status(), wire.AppendErrorBody(nil, fault))
}

// clientError is what the client is shown of err. What is not in the table is an internal fault: logged here, told without
// detail.
func (n *Node) clientError(r *http.Request, err error) *wire.Error {
	fault := wire.AsError(err)
	if fault.Code == wire.CodeInternal {
		n.logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	return fault
}

// answerJSON writes value as a 200. The values are ours: that one cannot be encoded is an internal fault.
func answerJSON(w http.ResponseWriter, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	answer(w, http.StatusOK, data)
	return nil
}
