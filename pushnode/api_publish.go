package pushnode

import (
	"net/http"

	"halley/auth"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// postMessage is POST /v1/channels/{channel}/messages: publish one message.
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
	data, err := body(w, r, app.Limits.MessageBytes+wire.EnvelopeBytes)
	if err != nil {
		return err
	}
	request, fault := wire.DecodePublish(data)
	if fault != nil {
		return fault
	}
	published, err := n.Publish(r.Context(), grant, publishOf(name, request))
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if published.Duplicate {
		status = http.StatusOK
	}
	answer(w, status, appendPublished(nil, published))
	return nil
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
		published, err := n.Publish(r.Context(), grant, publishOf(name, item.Publish))
		if err != nil {
			results = wire.AppendErrorBody(results, n.clientError(r, err))
			continue
		}
		results = appendPublished(results, published)
	}
	return results
}

func publishOf(name string, request wire.Publish) session.Publish {
	return session.Publish{Channel: name, ID: request.ID, Event: request.Event, Data: request.Data, Exclude: request.Exclude}
}

func appendPublished(dst []byte, p session.Published) []byte {
	return wire.AppendPublished(dst, wire.Published{
		ID: p.ID, Channel: p.Channel, Epoch: p.Position.Epoch.String(), Offset: p.Position.Offset,
		Copies: p.Copies, Duplicate: p.Duplicate,
	})
}
