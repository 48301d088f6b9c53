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
	codeCongestedInfo // an InfoAnswer with Queued
)

// reasons gives each reason of a gap its number in answers: its place. Numbers are never reused.
var reasons = [...]Reason{
	ReasonEvicted, ReasonPositionAhead, ReasonUnknownEpoch, ReasonUncertain, ReasonSlowConsumer,
}

// AppendAnswer appends the encoding of an answer to dst. An answer of an unknown kind, or a gap of an unknown reason, is a fault
// of the program: panic.
func AppendAnswer(dst []byte, answer Answer) []byte {
	w := newWriter(dst)
	switch a := answer.(type) {
	case Backlog:
		w.Byte(codeBacklog)
		optional(&w, a.Gap, w.gap)
		w.position(a.From)
		w.publications(a.Publications)
		w.position(a.Position)
		w.position(a.Head)
	case HistoryPage:
		w.Byte(codeHistoryPage)
		w.epoch(a.Epoch)
		w.publications(a.Publications)
		w.Number(a.From)
		w.Bool(a.More)
		optional(&w, a.Gap, w.gap)
	case InfoAnswer:
		w.infoAnswer(a)
	case Held:
		w.Byte(codeHeld)
		w.Bool(bool(a))
	case ChannelList:
		w.Byte(codeChannelList)
		w.Count(len(a))
		each(a, w.info)
	case MemberSet:
		w.Byte(codeMemberSet)
		w.Count(len(a.Members))
		each(a.Members, w.member)
		w.Number(a.Version)
	case Counts:
		w.Byte(codeCounts)
		w.Count(len(a))
		each(a, w.appCount)
	case LiveSessions:
		w.Byte(codeLiveSessions)
		w.Count(len(a))
		each(a, w.liveSession)
	default:
		panic(fmt.Sprintf("channel: unknown answer %T", answer))
	}
	return w.Data
}

// DecodeAnswer reads what AppendAnswer wrote. The answer shares no memory with data; its publications share one copy of it.
// Errors wrap ErrEncoding.
func DecodeAnswer(data []byte) (Answer, error) { return decode(data, (*reader).answer) }

func (r *reader) answer() Answer {
	switch r.Byte() {
	case codeBacklog:
		return Backlog{
			Gap: maybe(r, r.gap), From: r.position(), Publications: r.publications(), Position: r.position(), Head: r.position(),
		}
	case codeHistoryPage:
		return HistoryPage{
			Epoch: r.epoch(), Publications: r.publications(), From: r.Number(), More: r.Bool(), Gap: maybe(r, r.gap),
		}
	case codeInfoAnswer:
		return InfoAnswer{Info: r.info(), Held: r.Bool()}
	case codeCongestedInfo:
		return r.congestedInfo()
	case codeHeld:
		return Held(r.Bool())
	case codeChannelList:
		return ChannelList(list(r, leastInfo, r.info))
	case codeMemberSet:
		return MemberSet{Members: list(r, leastMember, r.member), Version: r.Number()}
	case codeCounts:
		return Counts(list(r, leastAppCount, r.appCount))
	case codeLiveSessions:
		return LiveSessions(list(r, leastLiveSession, r.liveSession))
	}
	r.Fail("kind of answer")
	return nil
}

// The least bytes that the items of answers take.
const (
	leastPosition    = 8 + 3
	leastInfo        = leastPosition + 6
	leastMember      = 3
	leastAppCount    = 2
	leastLiveSession = 3 + 8
	leastPublication = 7
)

func (w *writer) gap(g Gap) {
	for i, reason := range reasons {
		if reason == g.Reason {
			w.Byte(byte(i))
			w.Number(g.From)
			w.Number(g.To)
			return
		}
	}
	panic(fmt.Sprintf("channel: unknown reason %q", g.Reason))
}

func (r *reader) gap() Gap {
	number := int(r.Byte())
	if number >= len(reasons) {
		r.Fail("reason")
		return Gap{}
	}
	return Gap{Reason: reasons[number], From: r.Number(), To: r.Number()}
}

func (w *writer) publications(list []*Publication) {
	w.Count(len(list))
	each(list, w.numbered)
}

func (r *reader) publications() []*Publication { return list(r, leastPublication, r.numbered) }

// numbered writes a publication with its offset, which a snapshot does not need.
func (w *writer) numbered(p *Publication) {
	w.Number(p.Offset)
	w.publication(p)
}

func (r *reader) numbered() *Publication {
	return &Publication{
		Offset: r.Number(), ID: r.text(), Event: r.text(), Data: r.Bytes(),
		Exclude: r.text(), ClientID: r.text(), Time: r.Signed(),
	}
}

// infoAnswer writes Queued only where there is something to say, so that nodes of an earlier version understand all else.
func (w *writer) infoAnswer(a InfoAnswer) {
	kind := byte(codeInfoAnswer)
	if a.Queued > 0 {
		kind = codeCongestedInfo
	}
	w.Byte(kind)
	w.info(a.Info)
	w.Bool(a.Held)
	if a.Queued > 0 {
		w.Count(a.Queued)
	}
}

func (r *reader) congestedInfo() InfoAnswer {
	a := InfoAnswer{Info: r.info(), Held: r.Bool(), Queued: int(r.Number32())}
	if a.Queued == 0 {
		r.Fail("nothing queued")
	}
	return a
}

func (w *writer) info(i Info) {
	w.Text(i.Name)
	w.position(i.Position)
	each([]int{i.Messages, i.Bytes, i.Members, i.Users}, func(n int) { w.Signed(int64(n)) })
	w.Number(i.Version)
	w.Count(i.Subscribers)
}

func (r *reader) info() Info {
	return Info{
		Name: r.text(), Position: r.position(),
		Messages: int(r.Signed()), Bytes: int(r.Signed()), Members: int(r.Signed()), Users: int(r.Signed()),
		Version: r.Number(), Subscribers: int(r.Number32()),
	}
}

func (w *writer) member(m Member) {
	w.Text(m.ClientID)
	w.Text(m.Session)
	w.Bytes(m.Data)
}

func (r *reader) member() Member {
	return Member{ClientID: r.text(), Session: r.text(), Data: r.Bytes()}
}

func (w *writer) appCount(c AppCount) {
	w.Text(c.App)
	w.Signed(int64(c.Channels))
}

func (r *reader) appCount() AppCount { return AppCount{App: r.text(), Channels: int(r.Signed())} }

func (w *writer) liveSession(s LiveSession) {
	w.Text(s.ID)
	w.Number(s.Generation)
	w.Fixed(s.Edge)
	w.Bool(s.Attached)
}

func (r *reader) liveSession() LiveSession {
	return LiveSession{ID: r.text(), Generation: r.Number(), Edge: r.Fixed(), Attached: r.Bool()}
}
