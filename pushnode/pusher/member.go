package pusher

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxInfoBytes is how much a user may tell of itself on a presence channel (Pusher protocol, "Presence channels").
const MaxInfoBytes = 1024

// ErrInfo is wrong where a user tells too much of itself.
var ErrInfo = errors.New("user_info in channel_data has more than 1024 bytes, or is nested more than 32 deep")

// What else is wrong with the data of a presence subscription, as the client is told it.
var (
	errDataForm = errors.New("channel_data is not a JSON object with user_id and user_info")
	errUserID   = errors.New("user_id in channel_data is not a text of 1 to 128 characters or a number")
)

// Member is a user on a presence channel.
type Member struct {
	ID   string // as a text
	Info []byte // compact JSON; nil: none

	number bool // the id came as a number, and goes as one
}

// ParseMember reads the channel_data of a subscription to a presence channel, whose signature has been verified.
func ParseMember(channelData string) (Member, error) {
	var member Member
	seen := false
	err := eachField([]byte(channelData), func(name string, value jsontext.Value) (err error) {
		switch name {
		case "user_id":
			seen = true
			member.ID, member.number, err = idOf(value)
		case "user_info":
			member.Info, err = infoOf(value)
		}
		return err
	})
	switch {
	case errors.Is(err, errForm):
		return Member{}, errDataForm
	case err != nil:
		return Member{}, err
	case !seen:
		return Member{}, errUserID
	}
	return member, nil
}

// idOf reads the id of a user: a text, or a number, whose text it is.
func idOf(value jsontext.Value) (id string, number bool, err error) {
	switch value.Kind() {
	case '"':
		id = unquote(value)
	case '0':
		id, number = string(value), true
	}
	if !ValidUserID(id) {
		return "", false, errUserID
	}
	return id, number, nil
}

// infoOf reads what a user tells of itself; null is nothing.
func infoOf(value jsontext.Value) ([]byte, error) {
	if value.Kind() == 'n' {
		return nil, nil
	}
	info := value.Clone()
	if err := info.Compact(); err != nil || len(info) > MaxInfoBytes || !shallow(info) {
		return nil, ErrInfo
	}
	return info, nil
}

// Data is the member as a presence set keeps it: JSON in one form, which MemberOf reads.
func (m Member) Data() []byte {
	data := append([]byte(memberBegin), m.id()...)
	if m.Info != nil {
		data = append(append(data, memberInfo...), m.Info...)
	}
	return append(data, '}')
}

const (
	memberBegin = `{"user_id":`
	memberInfo  = `,"user_info":`
)

// MemberOf is the member of a presence set under a client's id. One that came by a socket of Pusher's was kept as Data; of any other the
// data is what it tells of itself.
func MemberOf(clientID, session string, data []byte) Member {
	rest, found := bytes.CutPrefix(data, []byte(memberBegin))
	if !found || !ValidSocketID(session) {
		return Member{ID: clientID, Info: data}
	}
	member := Member{ID: clientID, number: rest[0] != '"'}
	if rest, found = bytes.CutPrefix(rest, member.id()); !found {
		return Member{ID: clientID, Info: data}
	}
	if info, found := bytes.CutPrefix(rest, []byte(memberInfo)); found {
		member.Info = info[:len(info)-1]
	}
	return member
}

// id is the user's id as JSON.
func (m Member) id() []byte {
	if m.number {
		return []byte(m.ID)
	}
	return quote(nil, m.ID)
}

// Users is each user of a presence set once, in the set's order. A set's members of one user follow one another.
func Users(members []Member) []Member {
	var users []Member
	for _, one := range members {
		if last := len(users) - 1; last < 0 || users[last].ID != one.ID {
			users = append(users, one)
		}
	}
	return users
}
