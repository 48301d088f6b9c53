package channel

import "fmt"

// The kinds of answer, as encoded. They are never reused.
const (
	codeBacklog = iota + 1
	codeHistoryPage
	codeInfoAnswer
	codeHeld
	codeChannelList
	codeMemberSet
	codeCounts
	codeLiveSessions
)

// reasons gives each reason of a gap its number in answers: its place. Numbers are never reused.
var reasons = [...]Reason{
	ReasonEvicted, ReasonPositionAhead, ReasonUnknownEpoch, ReasonUncertain, ReasonSlowConsumer,
}

// AppendAnswer appends the encoding of an answer to dst. An answer of an unknown kind, or a gap of an unknown reason, is a fault
// of the program: panic.
func AppendAnswer(dst []byte, answer Answer) []byte {
	w := writer{data: dst}
	switch a := answer.(type) {
	case Backlog:
		w.byte(codeBacklog)
		optional(&w, a.Gap, w.gap)
		w.position(a.From)
		w.publications(a.Publications)
		w.position(a.Position)
		w.position(a.Head)
	case HistoryPage:
		w.byte(codeHistoryPage)
		w.epoch(a.Epoch)
		w.publications(a.Publications)
		w.number(a.From)
		w.bool(a.More)
		optional(&w, a.Gap, w.gap)
	case InfoAnswer:
		w.byte(codeInfoAnswer)
		w.info(a.Info)
		w.bool(a.Held)
	case Held:
		w.byte(codeHeld)
		w.bool(bool(a))
	case ChannelList:
		w.byte(codeChannelList)
		w.count(len(a))
		each(a, w.info)
	case MemberSet:
		w.byte(codeMemberSet)
		w.count(len(a.Members))
		each(a.Members, w.member)
		w.number(a.Version)
	case Counts:
		w.byte(codeCounts)
		w.count(len(a))
		each(a, w.appCount)
	case LiveSessions:
		w.byte(codeLiveSessions)
		w.count(len(a))
		each(a, w.liveSession)
	default:
		panic(fmt.Sprintf("channel: unknown answer %T", answer))
	}
	return w.data
}

// DecodeAnswer reads what AppendAnswer wrote. The answer shares no memory with data; its publications share one copy of it.
// Errors wrap ErrEncoding.
func DecodeAnswer(data []byte) (Answer, error) {
	r := owned(data)
	answer := r.answer()
	if err := r.end(); err != nil {
		return nil, err
	}
	return answer, nil
}

func (r *reader) answer() Answer {
	switch r.byte() {
	case codeBacklog:
		return Backlog{
			Gap: maybe(r, r.gap), From: r.position(), Publications: r.publications(), Position: r.position(), Head: r.position(),
		}
	case codeHistoryPage:
		return HistoryPage{
			Epoch: r.epoch(), Publications: r.publications(), From: r.number(), More: r.bool(), Gap: maybe(r, r.gap),
		}
	case codeInfoAnswer:
		return InfoAnswer{Info: r.info(), Held: r.bool()}
	case codeHeld:
		return Held(r.bool())
	case codeChannelList:
		return ChannelList(list(r, leastInfo, r.info))
	case codeMemberSet:
		return MemberSet{Members: list(r, leastMember, r.member), Version: r.number()}
	case codeCounts:
		return Counts(list(r, leastAppCount, r.appCount))
	case codeLiveSessions:
		return LiveSessions(list(r, leastLiveSession, r.liveSession))
	}
	r.fail("kind of answer")
	return nil
}

// The least bytes that the items of answers take.
const (
	leastPosition    = 8 + 3
	leastInfo        = leastPosition + 5
	leastMember      = 3
	leastAppCount    = 2
	leastLiveSession = 3 + 8
	leastPublication = 6
)

func (w *writer) gap(g Gap) {
	for i, reason := range reasons {
		if reason == g.Reason {
			w.byte(byte(i))
			w.number(g.From)
			w.number(g.To)
			return
		}
	}
	panic(fmt.Sprintf("channel: unknown reason %q", g.Reason))
}

func (r *reader) gap() Gap {
	number := int(r.byte())
	if number >= len(reasons) {
		r.fail("reason")
		return Gap{}
	}
	return Gap{Reason: reasons[number], From: r.number(), To: r.number()}
}

func (w *writer) publications(list []*Publication) {
	w.count(len(list))
	each(list, w.numbered)
}

func (r *reader) publications() []*Publication { return list(r, leastPublication, r.numbered) }

// numbered writes a publication with its offset, which a snapshot does not need.
func (w *writer) numbered(p *Publication) {
	w.number(p.Offset)
	w.publication(p)
}

func (r *reader) numbered() *Publication {
	return &Publication{
		Offset: r.number(), ID: r.text(), Event: r.text(), Data: r.bytes(), Exclude: r.text(), Time: r.signed(),
	}
}

func (w *writer) info(i Info) {
	w.text(i.Name)
	w.position(i.Position)
	each([]int{i.Messages, i.Bytes, i.Members}, func(n int) { w.signed(int64(n)) })
	w.number(i.Version)
	w.count(i.Subscribers)
}

func (r *reader) info() Info {
	return Info{
		Name: r.text(), Position: r.position(),
		Messages: int(r.signed()), Bytes: int(r.signed()), Members: int(r.signed()), Version: r.number(),
		Subscribers: int(r.number32()),
	}
}

func (w *writer) member(m Member) {
	w.text(m.ClientID)
	w.text(m.Session)
	w.bytes(m.Data)
}

func (r *reader) member() Member {
	return Member{ClientID: r.text(), Session: r.text(), Data: r.bytes()}
}

func (w *writer) appCount(c AppCount) {
	w.text(c.App)
	w.signed(int64(c.Channels))
}

func (r *reader) appCount() AppCount { return AppCount{App: r.text(), Channels: int(r.signed())} }

func (w *writer) liveSession(s LiveSession) {
	w.text(s.ID)
	w.number(s.Generation)
	w.fixed(s.Edge)
	w.bool(s.Attached)
}

func (r *reader) liveSession() LiveSession {
	return LiveSession{ID: r.text(), Generation: r.number(), Edge: r.fixed(), Attached: r.bool()}
}
