package pusher

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxWatchlist is how many users a connection may watch (Pusher protocol, "Watchlist events").
const MaxWatchlist = 100

// What is wrong with the data of a sign-in, as the client is told it.
var (
	errUserForm   = errors.New("user_data is not a JSON object with id, user_info and watchlist")
	errSignInID   = errors.New("id in user_data is not a text of 1 to 128 characters or a number")
	errSignInInfo = errors.New("user_info in user_data has more than 1024 bytes, or is nested more than 32 deep")
	errWatchlist  = errors.New("watchlist in user_data is not an array of ids of users")
)

// SignIn is who a connection signs in as.
type SignIn struct {
	Member
	Watchlist []string // ids of users, each once, in the order given: the first MaxWatchlist
	Excess    bool     // there were more
}

// ParseSignIn reads the user_data of a sign-in (Pusher protocol, "pusher:signin"), whose signature has been verified.
func ParseSignIn(userData string) (SignIn, error) {
	var user SignIn
	seen := false
	err := eachField([]byte(userData), func(name string, value jsontext.Value) (err error) {
		switch name {
		case "id":
			seen = true
			user.ID, user.number, err = idOf(value)
		case "user_info":
			user.Info, err = infoOf(value)
		case "watchlist":
			err = user.watch(value)
		}
		return err
	})
	switch {
	case err == nil && !seen, errors.Is(err, errUserID):
		return SignIn{}, errSignInID
	case errors.Is(err, ErrInfo):
		return SignIn{}, errSignInInfo
	case errors.Is(err, errForm):
		return SignIn{}, errUserForm
	case err != nil:
		return SignIn{}, err
	}
	return user, nil
}

// watch reads a watchlist; null is none.
func (in *SignIn) watch(list jsontext.Value) error {
	if list.Kind() == 'n' {
		return nil
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(list))
	if decoder.PeekKind() != '[' {
		return errWatchlist
	}
	_, _ = decoder.ReadToken() // the value is whole: nothing in it fails to be read
	for decoder.PeekKind() != ']' {
		value, err := decoder.ReadValue()
		if err != nil {
			return errWatchlist
		}
		id, _, err := idOf(value)
		switch {
		case err != nil:
			return errWatchlist
		case slices.Contains(in.Watchlist, id):
		case len(in.Watchlist) == MaxWatchlist:
			in.Excess = true
		default:
			in.Watchlist = append(in.Watchlist, id)
		}
	}
	return nil
}

// onlinePrefix begins the name of the channel whose members are the connections that signed in as one user. No client names it: being
// online is state like that of any channel, and outlives the node that a connection was on.
const onlinePrefix = "#online-"

// OnlineChannel is the name of the channel whose members are the connections that signed in as a user.
func OnlineChannel(userID string) string { return onlinePrefix + userID }

// OnlineOf returns whose connections the members of a channel are, if it is such a channel.
func OnlineOf(name string) (userID string, found bool) { return strings.CutPrefix(name, onlinePrefix) }

// AppendSignedIn appends that a connection signed in. It is told the text that was signed.
func AppendSignedIn(dst []byte, userData string) []byte {
	data := append(quote([]byte(`{"user_data":`), userData), '}')
	return appendFrame(dst, "pusher:signin_success", "", data)
}

// AppendWatchlist appends which of the users that a connection watches are online now, and which are not any more.
func AppendWatchlist(dst []byte, online, offline []string) []byte {
	data := []byte(`{"events":[`)
	count := 0
	for _, one := range []struct {
		name string
		ids  []string
	}{{"online", online}, {"offline", offline}} {
		if len(one.ids) == 0 {
			continue
		}
		data = append(append(comma(data, count), `{"name":"`...), one.name...)
		data = append(data, `","user_ids":[`...)
		for i, id := range one.ids {
			data = quote(comma(data, i), id)
		}
		data = append(data, `]}`...)
		count++
	}
	return appendFrame(dst, "pusher_internal:watchlist_events", "", append(data, `]}`...))
}
