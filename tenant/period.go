package tenant

import "time"

// Period is a span of the usage ledger, in UTC.
type Period string

// The periods that the ledger holds.
const (
	PeriodMinute Period = "minute"
	PeriodHour   Period = "hour"
	PeriodMonth  Period = "month" // a calendar month
)

func periods() [3]Period { return [3]Period{PeriodMinute, PeriodHour, PeriodMonth} }

// start is the beginning of the period that holds now.
func (p Period) start(now time.Time) time.Time {
	now = now.UTC()
	switch p {
	case PeriodMinute:
		return now.Truncate(time.Minute)
	case PeriodHour:
		return now.Truncate(time.Hour)
	default:
		return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
}

// next is the end of the period that holds now.
func (p Period) next(now time.Time) time.Time {
	switch start := p.start(now); p {
	case PeriodMinute:
		return start.Add(time.Minute)
	case PeriodHour:
		return start.Add(time.Hour)
	default:
		return start.AddDate(0, 1, 0)
	}
}
