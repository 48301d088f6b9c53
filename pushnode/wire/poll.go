package wire

// Poll gathers the answer to one long poll: section 5.2 of web/docs/protocol.md. The zero value is empty. It is for one
// goroutine.
type Poll struct {
	messages, gaps, presence, dropped, pushes []byte
	connected                                 []byte
	count                                     int
}

// Add takes a push into the answer.
func (p *Poll) Add(push Push) {
	list := p.list(push.Op())
	if list == &p.pushes {
		*list = AppendNative(appendComma(*list), push)
		return
	}
	*list = AppendObject(appendComma(*list), push)
}

// AddShared takes an encoded push into the answer.
func (p *Poll) AddShared(push *Shared) {
	list := p.list(push.push.Op())
	if list == &p.pushes {
		*list = append(appendComma(*list), push.Native()...)
		return
	}
	*list = push.AppendObject(appendComma(*list))
}

// Messages is how many messages the answer holds.
func (p *Poll) Messages() int { return p.count }

// Size is about how many bytes the answer has.
func (p *Poll) Size() int {
	return len(p.messages) + len(p.gaps) + len(p.presence) + len(p.dropped) + len(p.pushes) + len(p.connected)
}

// Empty reports whether there is nothing to tell.
func (p *Poll) Empty() bool { return p.Size() == 0 }

// Append appends the answer. cursor is where the next poll goes on.
func (p *Poll) Append(dst []byte, cursor string) []byte {
	dst = append(dst, '{')
	dst = appendStringMember(dst, "cursor", cursor)
	dst = appendList(dst, "messages", p.messages)
	dst = appendList(dst, "gaps", p.gaps)
	if p.presence != nil {
		dst = appendList(dst, "presence", p.presence)
	}
	if p.dropped != nil {
		dst = appendList(dst, "dropped", p.dropped)
	}
	if p.pushes != nil {
		dst = appendList(dst, "pushes", p.pushes)
	}
	if p.connected != nil {
		dst = appendRawMember(dst, opConnected, p.connected)
	}
	return append(dst, '}')
}

// list is where a push of that op goes. There is one connected; an empty list takes it without a comma.
func (p *Poll) list(op string) *[]byte {
	switch op {
	case opMessage:
		p.count++
		return &p.messages
	case opGap:
		return &p.gaps
	case opPresence:
		return &p.presence
	case opDropped:
		return &p.dropped
	case opConnected:
		p.connected = nil
		return &p.connected
	}
	return &p.pushes
}

func appendComma(list []byte) []byte {
	if len(list) == 0 {
		return list
	}
	return append(list, ',')
}

func appendList(dst []byte, name string, list []byte) []byte {
	dst = append(appendMember(dst, name), '[')
	return append(append(dst, list...), ']')
}

// AppendReplies appends the answer to POST /v1/commands: replies are what AppendReply and AppendErrorReply wrote, in order.
func AppendReplies(dst []byte, replies [][]byte) []byte {
	dst = append(dst, `{"replies":[`...)
	for i, reply := range replies {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, reply...)
	}
	return append(dst, "]}"...)
}
