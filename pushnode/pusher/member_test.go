package pusher_test

import (
	"encoding/json"
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

func TestParseMember(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"user_id":"ann"}`: `{"user_id":"ann"}`,
		`{"user_id":12,"user_info":{"n":1.0, "s":"a b"}}`:         `{"user_id":12,"user_info":{"n":1.0,"s":"a b"}}`,
		"{\n\"user_info\": null,\n\"user_id\": \"a\\u0062\"\n}\n": `{"user_id":"ab"}`,
		`{"user_id":"1","other":[]}`:                              `{"user_id":"1"}`,
	} {
		member, err := pusher.ParseMember(data)
		if err != nil || string(member.Data()) != want {
			t.Errorf("%s: got %s, %v, want %s", data, member.Data(), err, want)
		}
	}
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, data := range []string{
		``, `null`, `[]`, `"x"`, `{}`, `{"user_id":null}`, `{"user_id":""}`, `{"user_id":true}`, `{"user_id":{}}`, `{"user_id":"a"`,
		`{"user_id":"a"} x`, `{"user_id":"a","user_id":"b"}`, `{"user_id":"` + strings.Repeat("a", 129) + `"}`,
		`{"user_id":"a\nb"}`, `{"user_info":{}}`, `{"user_id":"a","user_info":"` + strings.Repeat("x", 1023) + `"}`,
		`{"user_id":"a","user_info":` + deep + `}`, `{"user_id":"a","user_info":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`,
	} {
		if member, err := pusher.ParseMember(data); err == nil {
			t.Errorf("%.60s is taken for %+v", data, member)
		}
	}
}

// What native clients tell of themselves is what they tell of themselves, whatever it looks like.
func TestMemberOfNative(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `1`, `{"user_id":"a"}`, `{"user_id":`} {
		member := pusher.MemberOf("ann", "ses_1", []byte(data))
		if member.ID != "ann" || string(member.Info) != data {
			t.Errorf("%s: got %+v", data, member)
		}
	}
	if member := pusher.MemberOf("ann", "1.2", []byte(`{"user_id":"bob"}`)); member.ID != "ann" {
		t.Errorf("the data of a member changed who it is: %+v", member)
	}
}

// FuzzMember has a presence set give back what a client said.
func FuzzMember(f *testing.F) {
	f.Add(`{"user_id":"ann","user_info":{"a":[1,2]}}`)
	f.Add(`{"user_id":1.50}`)
	f.Add(`{"user_id":"\"","user_info":"}"}`)
	f.Fuzz(func(t *testing.T, data string) {
		member, err := pusher.ParseMember(data)
		if err != nil {
			return
		}
		kept := member.Data()
		if !json.Valid(kept) || !pusher.ValidUserID(member.ID) {
			t.Fatalf("%q is kept as %s", data, kept)
		}
		back := pusher.MemberOf(member.ID, "1.2", kept)
		if string(back.Data()) != string(kept) || back.ID != member.ID || string(back.Info) != string(member.Info) {
			t.Errorf("%q is kept as %s, and read as %+v", data, kept, back)
		}
		if frame := pusher.AppendPresent(nil, "c", []pusher.Member{back}); !json.Valid(frame) {
			t.Errorf("%s is not JSON", frame)
		}
	})
}
