package tenant

import (
	"sync/atomic"
	"time"
)

// Values are what an app used in some span of time.
type Values struct {
	Publishes       int64
	Deliveries      int64 // messages written to connections
	BytesIn         int64
	BytesOut        int64
	PresenceEvents  int64
	PeakConnections int64 // the most at one time on a node, added up over the nodes
}

// Messages is what a monthly quota counts.
func (v Values) Messages() int64 { return v.Publishes + v.Deliveries }

// plus adds what happened after v, or elsewhere.
func (v Values) plus(o Values) Values {
	return Values{
		v.Publishes + o.Publishes, v.Deliveries + o.Deliveries, v.BytesIn + o.BytesIn, v.BytesOut + o.BytesOut,
		v.PresenceEvents + o.PresenceEvents, v.PeakConnections + o.PeakConnections,
	}
}

// minus takes an earlier reading of the same counters off; the peak is not a count and stays.
func (v Values) minus(o Values) Values {
	return Values{
		v.Publishes - o.Publishes, v.Deliveries - o.Deliveries, v.BytesIn - o.BytesIn, v.BytesOut - o.BytesOut,
		v.PresenceEvents - o.PresenceEvents, v.PeakConnections,
	}
}

// Counters count what one app uses on this node. The methods are safe for concurrent use and cost an atomic addition or two.
type Counters struct {
	// since the process began
	publishes  atomic.Int64
	deliveries atomic.Int64
	bytesIn    atomic.Int64
	bytesOut   atomic.Int64
	presence   atomic.Int64

	connections atomic.Int64 // now
	peak        atomic.Int64 // since the last collection

	// written by the meter, read by the limiter: elsewhere is what other processes used this month, monthBegan what this one had
	// counted when the month began
	elsewhere  atomic.Pointer[Values]
	monthBegan atomic.Pointer[Values]
}

// Published counts publications that were accepted, and the bytes of their data.
func (c *Counters) Published(count, bytes int) {
	c.publishes.Add(int64(count))
	c.bytesIn.Add(int64(bytes))
}

// Delivered counts messages written to connections, and the bytes written.
func (c *Counters) Delivered(messages, bytes int) {
	c.deliveries.Add(int64(messages))
	c.bytesOut.Add(int64(bytes))
}

// Received counts bytes that came from clients, other than the data of publications.
func (c *Counters) Received(bytes int) { c.bytesIn.Add(int64(bytes)) }

// PresenceChanged counts changes of presence.
func (c *Counters) PresenceChanged(count int) { c.presence.Add(int64(count)) }

// Connected counts connections opened (1) or closed (-1).
func (c *Counters) Connected(change int) {
	now := c.connections.Add(int64(change))
	for {
		peak := c.peak.Load()
		if now <= peak || c.peak.CompareAndSwap(peak, now) {
			return
		}
	}
}

// MonthMessages returns what the monthly quota counts so far: the ledger's and what is not in it yet.
func (c *Counters) MonthMessages() int64 {
	began, elsewhere := c.monthBegan.Load(), c.elsewhere.Load()
	own := c.publishes.Load() + c.deliveries.Load()
	return own - began.Messages() + elsewhere.Messages()
}

// month is like MonthMessages, for every value.
func (c *Counters) month() Values {
	own := c.totals().minus(*c.monthBegan.Load())
	own.PeakConnections = c.connections.Load()
	return own.plus(*c.elsewhere.Load())
}

// totals reads the counts since the process began. The peak is left out.
func (c *Counters) totals() Values {
	return Values{
		Publishes: c.publishes.Load(), Deliveries: c.deliveries.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		PresenceEvents: c.presence.Load(),
	}
}

// takePeak returns the most connections since it was last called.
func (c *Counters) takePeak() int64 { return c.peak.Swap(c.connections.Load()) }

func newCounters(elsewhere Values) *Counters {
	c := &Counters{}
	c.monthBegan.Store(&Values{})
	c.elsewhere.Store(&elsewhere)
	return c
}

// record is what the meter keeps of one app between collections. It is guarded by Meter.mu.
type record struct {
	counters  *Counters
	accountID string // empty until the directory knows the app
	collected Values // the counters' totals at the last collection
	month     time.Time
	spans     map[span]*spanValues
}

// span is one row of the ledger that this process writes.
type span struct {
	period Period
	begins time.Time
}

type spanValues struct {
	values Values
	dirty  bool // the ledger does not have these values
}

// Spans of one app that may wait for the database. Beyond them the oldest go: what a minute held is in its hour, and what an hour
// held in its month, so only the resolution of the charts is lost.
const (
	maxMinutes = 240
	maxHours   = 24 * 31
)

// collect moves what was counted since the last collection into the spans that hold now.
func (r *record) collect(now time.Time) {
	totals := r.counters.totals()
	change := totals.minus(r.collected)
	if month := PeriodMonth.start(now); !month.Equal(r.month) {
		began := r.collected
		r.counters.monthBegan.Store(&began)
		if !r.month.IsZero() { // what others used was last month's
			r.counters.elsewhere.Store(&Values{})
		}
		r.month = month
	}
	r.collected = totals
	r.forget(now)
	change.PeakConnections = r.counters.takePeak()
	if change == (Values{}) {
		return
	}
	for _, period := range periods() {
		r.add(span{period, period.start(now)}, change)
	}
	r.trim(PeriodMinute, maxMinutes)
	r.trim(PeriodHour, maxHours)
}

func (r *record) add(key span, change Values) {
	kept := r.spans[key]
	if kept == nil {
		kept = &spanValues{}
		r.spans[key] = kept
	}
	peak := max(kept.values.PeakConnections, change.PeakConnections)
	sum := kept.values.plus(change)
	sum.PeakConnections = peak
	kept.dirty = kept.dirty || sum != kept.values
	kept.values = sum
}

func (r *record) trim(period Period, most int) {
	count, oldest := 0, span{}
	for key := range r.spans {
		if key.period != period {
			continue
		}
		if count++; oldest.begins.IsZero() || key.begins.Before(oldest.begins) {
			oldest = key
		}
	}
	if count > most {
		delete(r.spans, oldest)
	}
}

// forget lets go of the spans that are over and in the ledger.
func (r *record) forget(now time.Time) {
	for key, kept := range r.spans {
		if !kept.dirty && !key.period.start(now).Equal(key.begins) {
			delete(r.spans, key)
		}
	}
}

// written notes that the ledger has these values, unless the span went on meanwhile.
func (r *record) written(key span, values Values) {
	if kept := r.spans[key]; kept != nil && kept.values == values {
		kept.dirty = false
	}
}
