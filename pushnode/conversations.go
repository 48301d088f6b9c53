package pushnode

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/session"
	"halley/pushnode/wire"
)

// findTime is how long other nodes have to say whether they hold a conversation: a client who begins one waits for it, if a node is gone.
const findTime = time.Second

// conversationQuestion is about a conversation of one of Pusher's clients: who holds it, or with one of the other fields what to do with it.
type conversationQuestion struct {
	Name  string        `json:"name"`
	Fetch *fetchRequest `json:"fetch,omitzero"`
	Body  []byte        `json:"body,omitzero"` // of a request that sends
}

// fetchRequest is session.Fetch on its way.
type fetchRequest struct {
	Client string `json:"client,omitzero"`
	Visit  uint64 `json:"visit,omitzero"`
	Most   int    `json:"most"`
	Wait   int64  `json:"wait,omitzero"` // ms
	Lost   bool   `json:"lost,omitzero"`
}

// conversationAnswer is the answer: that the node holds the conversation, and what was fetched.
type conversationAnswer struct {
	Visit uint64 `json:"visit,omitzero"`
	Lines []byte `json:"lines,omitzero"`
	Units int    `json:"units,omitzero"`
	Over  bool   `json:"over,omitzero"`
}

// FindConversation asks all other nodes at once. Who does not answer soon does not hold it.
func (n *Node) FindConversation(ctx context.Context, name string) (node uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	var asking sync.WaitGroup
	others := n.others()
	found := make(chan uint64, len(others))
	for _, other := range others {
		asking.Go(func() {
			if _, err := n.askConversation(ctx, other, conversationQuestion{Name: name}); err == nil {
				found <- other
				cancel() // one is enough
			}
		})
	}
	asking.Wait()
	select {
	case node = <-found:
		return node, nil
	default:
		return 0, wire.Errorf(wire.CodeSessionNotFound, "no node has this conversation")
	}
}

// FetchElsewhere implements session.Backend.
func (n *Node) FetchElsewhere(ctx context.Context, node uint64, fetch session.Fetch) (session.Fetched, error) {
	answered, err := n.askConversation(ctx, node, conversationQuestion{Name: fetch.Conversation, Fetch: &fetchRequest{
		Client: fetch.Client, Visit: fetch.Visit, Most: fetch.Most, Wait: fetch.Wait.Milliseconds(), Lost: fetch.Lost,
	}})
	if err != nil {
		return session.Fetched{}, err
	}
	return session.Fetched{Visit: answered.Visit, Lines: answered.Lines, Units: answered.Units, Over: answered.Over}, nil
}

// HearElsewhere implements session.Backend.
func (n *Node) HearElsewhere(ctx context.Context, node uint64, name string, body []byte) error {
	_, err := n.askConversation(ctx, node, conversationQuestion{Name: name, Body: body})
	return err
}

func (n *Node) askConversation(ctx context.Context, node uint64, about conversationQuestion) (conversationAnswer, error) {
	answered, err := n.ask(ctx, node, question{Conversation: &about})
	if err != nil {
		return conversationAnswer{}, err
	}
	if answered.Conversation == nil {
		return conversationAnswer{}, errElsewhere
	}
	return *answered.Conversation, nil
}

// answerConversation answers what another node asks about a conversation.
func (n *Node) answerConversation(ctx context.Context, about conversationQuestion) (*conversationAnswer, error) {
	answer := new(conversationAnswer)
	switch {
	case about.Fetch != nil:
		fetched, err := n.sessions.Fetch(ctx, session.Fetch{
			Conversation: about.Name, Client: about.Fetch.Client, Visit: about.Fetch.Visit, Most: about.Fetch.Most,
			Wait: time.Duration(about.Fetch.Wait) * time.Millisecond, Lost: about.Fetch.Lost,
		})
		*answer = conversationAnswer{Visit: fetched.Visit, Lines: fetched.Lines, Units: fetched.Units, Over: fetched.Over}
		return answer, err
	case about.Body != nil:
		return answer, n.sessions.Hear(ctx, about.Name, about.Body)
	case !n.sessions.HoldsConversation(about.Name):
		return nil, wire.NewError(wire.CodeSessionNotFound)
	}
	return answer, nil
}
