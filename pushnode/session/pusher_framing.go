package session

import (
	"cmp"
	"strconv"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// pusherDialect is the frames of a WebSocket in Pusher's protocol. What that has no word for (gaps, what a policy let go of, that history
// cannot be read just now) is not said, but for gaps to who resumes.
type pusherDialect struct {
	placed bool // the client resumes: frames say where they stand in their channel
}

func (d pusherDialect) whole(one *item) []byte {
	switch {
	case one.shared != nil:
		return one.shared.TranslatedFrame(d.placed, d.translation())
	case one.batch != nil:
		return one.batch.translatedFrames(d.placed, d.translation())
	case one.own != nil:
		return one.own.frame
	default:
		return nil
	}
}

func (d pusherDialect) translation() func(dst []byte, push wire.Push) []byte {
	if d.placed {
		return appendPlaced
	}
	return appendPusher
}

func (d pusherDialect) encode(dst []byte, one *item) []byte {
	if d.placed && one.dropped > 0 {
		return append(dst, textFrame(pusher.AppendGap(nil, one.sub.entry.id.Name, reasonDropped, 0, 0))...)
	}
	return append(dst, d.whole(one)...)
}

// reasonDropped is the reason of a gap that is the policy of the channel.
const reasonDropped = "dropped"

// pusherPings is a ping of RFC 6455, and the event that newer libraries answer.
var pusherPings = append(wire.AppendFrameHeader(nil, wire.OpcodePing, 0), textFrame([]byte(pusher.Ping))...)

func (pusherDialect) ping() (text []byte, answered bool) { return pusherPings, true }

// farewell is the reason as an event, where its number alone does not say what to do, and the close.
func (pusherDialect) farewell(reason *wire.Error) []byte {
	if reason == parted {
		return nil
	}
	code := pusherCode(reason.Code)
	var text []byte
	if code >= firstCode && code != wire.CodeDraining {
		text = textFrame(pusher.AppendError(nil, pusher.Code(code), reason.Message))
	}
	payload := wire.AppendClosePayload(nil, code, reason.Message)
	return append(wire.AppendFrameHeader(text, wire.OpcodeClose, len(payload)), payload...)
}

// pusherCode is an error's number as Pusher's clients know it. Ours mean what theirs do, by range at least.
func pusherCode(code wire.Code) wire.Code {
	switch code {
	case wire.CodeOriginDenied, wire.CodeDisconnected:
		return wire.CodeUnauthorized
	case wire.CodeTooManyConnections:
		return wire.CodeQuotaExceeded
	default:
		return code
	}
}

// appendPusher appends a push as an event; nothing where there is none for it.
func appendPusher(dst []byte, push wire.Push) []byte {
	switch push := push.(type) {
	case *wire.Message:
		return appendPusherMessage(dst, push, pusher.Addition{Rewound: push.Rewound})
	case *wire.Connected:
		return pusher.AppendEstablished(dst, push.Session, int(push.Ping/time.Second.Milliseconds()))
	case *wire.Presence:
		return appendPusherPresence(dst, push)
	case *wire.Unsubscribed:
		return appendPusherRefusal(dst, push.Channel, push.Err)
	default:
		return dst
	}
}

// appendPlaced is appendPusher for who resumes: messages say where they stand, and gaps are told.
func appendPlaced(dst []byte, push wire.Push) []byte {
	switch push := push.(type) {
	case *wire.Message:
		return appendPusherMessage(dst, push, pusher.Addition{At: placeText(push.Epoch, push.Offset), Rewound: push.Rewound})
	case *wire.Gap:
		dst = pusher.AppendGap(dst, push.Channel, push.Reason, push.From, push.To)
		return pusher.Add(dst, pusher.Addition{At: placeText(push.Epoch, push.Offset)})
	default:
		return appendPusher(dst, push)
	}
}

// placeText is a position as clients see it, epoch:offset.
func placeText(epoch string, offset uint64) string {
	return epoch + ":" + strconv.FormatUint(offset, 10)
}

// appendPusherMessage leaves out what pretends to be the protocol's own. Who sent a client event is told where users see each other.
func appendPusherMessage(dst []byte, message *wire.Message, more pusher.Addition) []byte {
	if pusher.Reserved(message.Event) {
		return dst
	}
	userID := ""
	if pusher.ByClient(message.Event) && pusher.KindOf(message.Channel).Is(pusher.Presence) {
		userID = message.ClientID
	}
	dst = pusher.AppendEvent(dst, cmp.Or(message.Event, wire.DefaultEvent), message.Channel, message.Data, userID)
	return pusher.Add(dst, more)
}

// appendPusherPresence tells of users, not of their connections. A set that is told anew takes the place of what the client has.
func appendPusherPresence(dst []byte, push *wire.Presence) []byte {
	switch {
	case push.Action == wire.ActionSync:
		return pusher.AppendPresent(dst, push.Channel, pusherUsers(push.Members))
	case push.Action == string(channel.ActionEnter) && push.Only:
		return pusher.AppendMemberAdded(dst, push.Channel, pusherMember(push.Member))
	case push.Action == string(channel.ActionLeave) && push.Only:
		return pusher.AppendMemberRemoved(dst, push.Channel, pusherMember(push.Member))
	default:
		return dst
	}
}

func pusherMember(member wire.Member) pusher.Member {
	return pusher.MemberOf(member.ClientID, member.Session, member.Data)
}

func pusherUsers(members []wire.Member) []pusher.Member {
	list := make([]pusher.Member, len(members))
	for i, member := range members {
		list[i] = pusherMember(member)
	}
	return pusher.Users(list)
}

// textFrame is a WebSocket frame of a text.
func textFrame(text []byte) []byte {
	return append(wire.AppendFrameHeader(make([]byte, 0, len(text)+16), wire.OpcodeText, len(text)), text...)
}
