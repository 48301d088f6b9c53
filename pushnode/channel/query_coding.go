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
	w := writer{data: dst}
	switch q := query.(type) {
	case BacklogQuery:
		w.byte(codeBacklogQuery)
		w.id(q.Channel)
		optional(&w, q.Start.Since, w.position)
		w.signed(int64(q.Start.Rewind))
		w.signed(int64(q.Limit))
	case HistoryQuery:
		w.byte(codeHistoryQuery)
		w.id(q.Channel)
		w.signed(int64(q.Limit))
		w.bool(q.Forward)
		optional(&w, q.Since, w.position)
	case MembersQuery:
		w.byte(codeMembersQuery)
		w.id(q.Channel)
	case InfoQuery:
		w.byte(codeInfoQuery)
		w.id(q.Channel)
	case HoldsQuery:
		w.byte(codeHoldsQuery)
		w.id(q.Channel)
	case ChannelsQuery:
		w.byte(codeChannelsQuery)
		each([]string{q.App, q.Prefix, q.After}, w.text)
		w.signed(int64(q.Limit))
	case CountQuery:
		w.byte(codeCountQuery)
	case SessionsQuery:
		w.byte(codeSessionsQuery)
		w.text(q.App)
		w.text(q.ClientID)
	case AliveQuery:
		w.byte(codeAliveQuery)
		w.text(q.App)
		w.texts(q.Sessions)
	default:
		panic(fmt.Sprintf("channel: unknown query %T", query))
	}
	return w.data
}

// DecodeQuery reads what AppendQuery wrote. The query shares no memory with data. Errors wrap ErrEncoding.
func DecodeQuery(data []byte) (Query, error) {
	r := owned(data)
	query := r.query()
	if err := r.end(); err != nil {
		return nil, err
	}
	return query, nil
}

func (r *reader) query() Query {
	switch r.byte() {
	case codeBacklogQuery:
		return BacklogQuery{
			Channel: r.id(), Start: Start{Since: maybe(r, r.position), Rewind: int(r.signed())}, Limit: int(r.signed()),
		}
	case codeHistoryQuery:
		return HistoryQuery{Channel: r.id(), Limit: int(r.signed()), Forward: r.bool(), Since: maybe(r, r.position)}
	case codeMembersQuery:
		return MembersQuery{Channel: r.id()}
	case codeInfoQuery:
		return InfoQuery{Channel: r.id()}
	case codeHoldsQuery:
		return HoldsQuery{Channel: r.id()}
	case codeChannelsQuery:
		return ChannelsQuery{App: r.text(), Prefix: r.text(), After: r.text(), Limit: int(r.signed())}
	case codeCountQuery:
		return CountQuery{}
	case codeSessionsQuery:
		return SessionsQuery{App: r.text(), ClientID: r.text()}
	case codeAliveQuery:
		return AliveQuery{App: r.text(), Sessions: r.texts()}
	}
	r.fail("kind of query")
	return nil
}
