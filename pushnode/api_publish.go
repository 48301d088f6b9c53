package pushnode

import (
	"context"
	"net/http"

	"halley/auth"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/tenant"
)

// postMessage is POST /v1/channels/{channel}/messages: publish one message. quick.go is another way in.
func (n *Node) postMessage(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	name, err := channelName(r)
	if err != nil {
		return err
	}
	if _, err := knownQuery(r); err != nil {
		return err
	}
	app, err := n.app(grant.AppID)
	if err != nil {
		return err
	}
	data, err := body(w, r, mostOfMessage(app))
	if err != nil {
		return err
	}
	status, text, err := n.publishBody(r.Context(), app, grant, name, data, nil)
	if err != nil {
		return err
	}
	answer(w, status, text)
	return nil
}

// mostOfMessage is how many bytes the body of a publication may have.
func mostOfMessage(app *tenant.AppView) int { return app.Limits.MessageBytes + wire.EnvelopeBytes }

// publishBody publishes what the body of a request says, and returns the status of its answer, and dst with the body of that.
func (n *Node) publishBody(
	ctx context.Context, app *tenant.AppView, grant *auth.Grant, name string, data, dst []byte,
) (status int, text []byte, err error) {
	request, fault := wire.DecodePublish(data)
	if fault != nil {
		return 0, nil, fault
	}
	published, err := n.publishIn(ctx, app, grant, publishOf(grant, name, request))
	if err != nil {
		return 0, nil, err
	}
	status = http.StatusCreated
	if published.Duplicate {
		status = http.StatusOK
	}
	return status, appendPublished(dst, published), nil
}

// postMessages is POST /v1/messages: publish a batch. Each publication has its own outcome: one that is refused spoils no other.
func (n *Node) postMessages(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if _, err := knownQuery(r); err != nil {
		return err
	}
	app, err := n.app(grant.AppID)
	if err != nil {
		return err
	}
	data, err := body(w, r, app.Limits.Batch*(app.Limits.MessageBytes+wire.EnvelopeBytes))
	if err != nil {
		return err
	}
	batch, fault := wire.DecodeBatch(data, app.Limits.Batch)
	if fault != nil {
		return fault
	}
	results := []byte(`{"results":[`)
	for i, item := range batch {
		if i > 0 {
			results = append(results, ',')
		}
		results = n.publishItem(r, grant, item, results)
	}
	answer(w, http.StatusOK, append(results, "]}"...))
	return nil
}

// publishItem publishes one item of a batch to each of its channels and appends its results.
func (n *Node) publishItem(r *http.Request, grant *auth.Grant, item wire.BatchItem, results []byte) []byte {
	if item.Err != nil {
		return wire.AppendErrorBody(results, item.Err)
	}
	for i, name := range item.Channels {
		if i > 0 {
			results = append(results, ',')
		}
		published, err := n.Publish(r.Context(), grant, publishOf(grant, name, item.Publish))
		if err != nil {
			results = wire.AppendErrorBody(results, n.clientError(r.Method, r.URL.Path, err))
			continue
		}
		results = appendPublished(results, published)
	}
	return results
}

func publishOf(grant *auth.Grant, name string, request wire.Publish) session.Publish {
	return session.Publish{
		Channel: name, ID: request.ID, Event: request.Event, Data: request.Data, Exclude: request.Exclude, ClientID: grant.ClientID,
	}
}

func appendPublished(dst []byte, p session.Published) []byte {
	return wire.AppendPublished(dst, wire.Published{
		ID: p.ID, Channel: p.Channel, Epoch: p.Position.Epoch.String(), Offset: p.Position.Offset,
		Copies: p.Copies, Duplicate: p.Duplicate,
	})
}
