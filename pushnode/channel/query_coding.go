package channel

import "fmt"

// The kinds of query, as encoded. They are never reused.
const (
	codeBacklogQuery = iota + 1
	codeHistoryQuery
	codeMembersQuery
	codeInfoQuery
	codeHoldsQuery
	codeChannelsQuery
	codeCountQuery
	codeSessionsQuery
	codeAliveQuery
)

// AppendQuery appends the encoding of a query to dst. A query of an unknown kind is a fault of the program: panic.
func AppendQuery(dst []byte, query Query) []byte {
	w := newWriter(dst)
	switch q := query.(type) {
	case BacklogQuery:
		w.Byte(codeBacklogQuery)
		w.id(q.Channel)
		optional(&w, q.Start.Since, w.position)
		w.Signed(int64(q.Start.Rewind))
		w.Signed(int64(q.Limit))
	case HistoryQuery:
		w.Byte(codeHistoryQuery)
		w.id(q.Channel)
		w.Signed(int64(q.Limit))
		w.Bool(q.Forward)
		optional(&w, q.Since, w.position)
	case MembersQuery:
		w.Byte(codeMembersQuery)
		w.id(q.Channel)
	case InfoQuery:
		w.Byte(codeInfoQuery)
		w.id(q.Channel)
	case HoldsQuery:
		w.Byte(codeHoldsQuery)
		w.id(q.Channel)
	case ChannelsQuery:
		w.Byte(codeChannelsQuery)
		each([]string{q.App, q.Prefix, q.After}, w.Text)
		w.Signed(int64(q.Limit))
	case CountQuery:
		w.Byte(codeCountQuery)
	case SessionsQuery:
		w.Byte(codeSessionsQuery)
		w.Text(q.App)
		w.Text(q.ClientID)
	case AliveQuery:
		w.Byte(codeAliveQuery)
		w.Text(q.App)
		w.texts(q.Sessions)
	default:
		panic(fmt.Sprintf("channel: unknown query %T", query))
	}
	return w.Data
}

// DecodeQuery reads what AppendQuery wrote. The query shares no memory with data. Errors wrap ErrEncoding.
func DecodeQuery(data []byte) (Query, error) { return decode(data, (*reader).query) }

func (r *reader) query() Query {
	switch r.Byte() {
	case codeBacklogQuery:
		return BacklogQuery{
			Channel: r.id(), Start: Start{Since: maybe(r, r.position), Rewind: int(r.Signed())}, Limit: int(r.Signed()),
		}
	case codeHistoryQuery:
		return HistoryQuery{Channel: r.id(), Limit: int(r.Signed()), Forward: r.Bool(), Since: maybe(r, r.position)}
	case codeMembersQuery:
		return MembersQuery{Channel: r.id()}
	case codeInfoQuery:
		return InfoQuery{Channel: r.id()}
	case codeHoldsQuery:
		return HoldsQuery{Channel: r.id()}
	case codeChannelsQuery:
		return ChannelsQuery{App: r.text(), Prefix: r.text(), After: r.text(), Limit: int(r.Signed())}
	case codeCountQuery:
		return CountQuery{}
	case codeSessionsQuery:
		return SessionsQuery{App: r.text(), ClientID: r.text()}
	case codeAliveQuery:
		return AliveQuery{App: r.text(), Sessions: r.texts()}
	}
	r.Fail("kind of query")
	return nil
}
