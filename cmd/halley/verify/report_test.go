package verify

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"halley/cmd/halley/verify/history"
)

// result is a small history with one thing wrong.
func result() *history.Result {
	return history.Check([]history.Event{
		{At: 1 * time.Second, Kind: history.Attach, Client: "s", Channel: "c", Epoch: "a"},
		{At: 2 * time.Second, Kind: history.Invoke, Client: "p", Channel: "c", ID: "m"},
		{At: 3 * time.Second, Kind: history.OK, Client: "p", Channel: "c", ID: "m", Epoch: "a", Offset: 1, Copies: 2},
	}, history.Rules{})
}

func TestReportNamesWhatIsBroken(t *testing.T) {
	var text bytes.Buffer
	if err := Write(&text, result()); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"1 of 1 published", "BROKEN PROMISES: I1 lost 1", "I1 lost at 3.000s client=s channel=c id=m at a:1"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the report does not say %q:\n%s", part, text.String())
		}
	}
	text.Reset()
	if err := Write(&text, history.Check(nil, history.Rules{})); err != nil || !strings.Contains(text.String(), "every promise was kept") {
		t.Errorf("of nothing the report says, %v:\n%s", err, text.String())
	}
}

func TestReportInJSONHasSeconds(t *testing.T) {
	var text bytes.Buffer
	if err := WriteJSON(&text, result()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Counts     map[string]int `json:"counts"`
		Violations []struct {
			At float64 `json:"at"`
		} `json:"violations"`
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || got.Counts["lost"] != 1 || len(got.Violations) != 1 || got.Violations[0].At != 3 {
		t.Errorf("%v: %+v of\n%s", err, got, text.String())
	}
}

func TestHistoryIsWrittenLineByLine(t *testing.T) {
	var text bytes.Buffer
	events := []history.Event{{At: 1500 * time.Millisecond, Kind: history.Message, Client: "s", Channel: "c", ID: "m", Epoch: "a", Offset: 7}}
	if err := WriteHistory(&text, events); err != nil {
		t.Fatal(err)
	}
	want := `{"at":1.5,"kind":"message","client":"s","channel":"c","id":"m","epoch":"a","offset":7}` + "\n"
	if text.String() != want {
		t.Errorf("got %swant %s", text.String(), want)
	}
	if err := WriteHistory(&text, []history.Event{{}}); err == nil {
		t.Error("an event of no kind is written")
	}
}

func TestParseFaults(t *testing.T) {
	if kinds, err := ParseFaults([]string{"kill", "starve"}); err != nil || len(kinds) != 2 {
		t.Errorf("kill and starve: %v, %v", kinds, err)
	}
	if kinds, err := ParseFaults([]string{"none"}); err != nil || len(kinds) != 0 {
		t.Errorf("none: %v, %v", kinds, err)
	}
	if _, err := ParseFaults([]string{"smile"}); err == nil || !strings.Contains(err.Error(), "partition") {
		t.Errorf("an unknown fault: %v", err)
	}
}
