package console

import (
	"fmt"
	"html/template"
	"time"
)

// Forms of a time in a page. The script on the page turns them into the reader's own zone.
const (
	exactForm = "2 Jan 2006, 15:04:05 MST"
	clockForm = "15:04:05"
)

// ago writes a time relative to now, with the exact one on hover.
func ago(then time.Time) template.HTML {
	return timeElement(then, "", relativeTime(then, time.Now()))
}

// clock writes the time of day of something recent.
func clock(then time.Time) template.HTML {
	return timeElement(then, " data-clock", then.UTC().Format(clockForm))
}

// timeElement is made of formatted numbers only: nothing in it can be a user's text.
func timeElement(then time.Time, attribute, text string) template.HTML {
	utc := then.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s"%s>%s</time>`,
		utc.Format("2006-01-02T15:04:05.000Z"), utc.Format(exactForm), attribute, text))
}

// relativeTime is how people say it: "just now", "5 minutes ago", "in 23 hours".
func relativeTime(then, now time.Time) string {
	distance := then.Sub(now)
	ahead := distance > 0
	distance = distance.Abs()
	const day = 24 * time.Hour
	steps := []struct {
		size time.Duration
		unit string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}}
	for _, step := range steps {
		if distance < step.size {
			continue
		}
		count := int(distance.Round(step.size) / step.size)
		unit := step.unit
		if count > 1 {
			unit += "s"
		}
		if ahead {
			return fmt.Sprintf("in %d %s", count, unit)
		}
		return fmt.Sprintf("%d %s ago", count, unit)
	}
	if ahead {
		return "in a moment"
	}
	return "just now"
}
