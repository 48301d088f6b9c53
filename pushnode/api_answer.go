package pushnode

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"halley/pushnode/wire"
)

// head is where the fields of an answer's head are set, by their canonical names.
type head interface{ Set(name, value string) }

const jsonType = "application/json"

// answer writes a JSON answer. That the client has gone meanwhile is nobody's fault.
func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	write(w, status, body)
}

// write writes an answer whose head says already what the body is.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refuse answers with an error from the table.
func (n *Node) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, body := n.refusal(w.Header(), r.Method, r.URL.Path, err)
	answer(w, status, body)
}

// refusal is the answer to a request that an error ends: what it says in the head, its status and its body.
func (n *Node) refusal(head head, method, path string, err error) (status int, body []byte) {
	fault := n.clientError(method, path, err)
	if fault.Code.Status() == http.StatusUnauthorized {
		head.Set("Www-Authenticate", `Bearer realm="halley"`)
	}
	if wait := fault.RetryAfterHeader(); wait != "" {
		head.Set("Retry-After", wait)
	}
	head.Set("X-Content-Type-Options", "nosniff")
	return fault.Code.Status(), wire.AppendErrorBody(nil, fault)
}

// clientError is what the client is shown of err. What is not in the table is an internal fault: logged here, told without
// detail.
func (n *Node) clientError(method, path string, err error) *wire.Error {
	fault := wire.AsError(err)
	if fault.Code == wire.CodeInternal {
		n.logger.Error("request failed", "method", method, "path", path, "err", err)
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
