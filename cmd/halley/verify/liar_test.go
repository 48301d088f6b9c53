package verify

import (
	"fmt"
	"strings"
	"testing"
)

func sseMessage(offset int) string {
	return fmt.Sprintf("event: message\nid: a:%d\ndata: {\"id\":\"m%d\",\"offset\":%d}\n\n", offset, offset, offset)
}

// Each lie about a stream is told once, and all else is passed on as it came.
func TestLiarSpeaks(t *testing.T) {
	const first = lieAfter + 1 // the message at which it is time
	honestly := func(offsets ...int) string {
		var text strings.Builder
		for _, offset := range offsets {
			text.WriteString(sseMessage(offset))
		}
		return text.String()
	}
	for tells, want := range map[lie]string{
		honest:    honestly(first, first+1, first+2),
		dropOne:   honestly(first+1, first+2),
		doubleOne: honestly(first, first, first+1, first+2),
		swapTwo:   honestly(first+1, first, first+2),
		inventOne: honestly(first) +
			strings.Replace(following(sseMessage(first)), fmt.Sprintf(`"m%d"`, first), `"invented"`, 1) + honestly(first+1, first+2),
	} {
		t.Run(string(tells), func(t *testing.T) {
			l := &liar{lie: tells}
			var kept, got string
			for offset := 1; offset <= first+2; offset++ {
				said := l.speak(sseMessage(offset), &kept)
				if offset < first && said != sseMessage(offset) {
					t.Fatalf("it lies too soon, at %d: %q", offset, said)
				}
				if offset >= first {
					got += said
				}
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if l.told.Load() != (tells != honest) {
				t.Errorf("the lie was told: %v", l.told.Load())
			}
		})
	}
}

func TestLiarHidesGaps(t *testing.T) {
	const gap = "event: gap\ndata: {\"reason\":\"evicted\"}\n\n"
	var kept string
	if said := (&liar{lie: hideGap}).speak(gap, &kept); said != "" {
		t.Errorf("the gap is told: %q", said)
	}
	if said := (&liar{lie: dropOne}).speak(gap, &kept); said != gap {
		t.Errorf("another liar says %q", said)
	}
}
