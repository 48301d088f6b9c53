package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Result is what a run has measured. Latencies are in ms, other times in the unit that their name says.
type Result struct {
	Mode        Mode      `json:"mode"`
	Transport   Transport `json:"transport"`
	URL         string    `json:"url"`
	Bytes       int       `json:"bytes"`       // of a message's data
	Rate        int       `json:"rate"`        // that was asked for; 0: as fast as can be
	Connections int       `json:"connections"` // of subscribers
	Seconds     float64   `json:"seconds"`     // that were measured

	Published           uint64  `json:"published"`
	Delivered           uint64  `json:"delivered"`
	PublishesPerSecond  float64 `json:"publishes_per_second"`
	DeliveriesPerSecond float64 `json:"deliveries_per_second"`
	ConnectsPerSecond   float64 `json:"connects_per_second"` // idle and connect
	WireBytes           float64 `json:"wire_bytes"`          // of one delivery, with its frame and envelope

	Lost       int `json:"lost"` // over all subscribers
	Duplicated int `json:"duplicated"`
	Disordered int `json:"disordered"`

	Delivery        Latency `json:"delivery_ms"`        // from before the publish until a subscriber has it
	Acknowledgement Latency `json:"acknowledgement_ms"` // until the publisher is answered
	Connect         Latency `json:"connect_ms"`         // until a subscriber follows its channel

	Server           *Cost   `json:"server,omitzero"` // absent where its processes are not known
	ClientCPUSeconds float64 `json:"client_cpu_seconds"`
	ForeignCPU       float64 `json:"foreign_cpu"` // share of the machine that neither server nor generator had, 0 to 1
}

// Cost is what a run took from the server's processes.
type Cost struct {
	CPUSeconds        float64 `json:"cpu_seconds"`
	CPUMicros         float64 `json:"cpu_us"`                   // of one delivery (fanout), publish (publish) or connect (idle, connect)
	RSS               int64   `json:"rss_bytes"`                // at the end
	PSS               int64   `json:"pss_bytes"`                // the same, pages that processes share divided among them
	RSSPerConnection  float64 `json:"rss_bytes_per_connection"` // idle alone
	PSSPerConnection  float64 `json:"pss_bytes_per_connection"` // idle alone
	Goroutines        int     `json:"goroutines"`               // 0 where there are no metrics
	GoroutinesAtFirst int     `json:"goroutines_at_first"`
}

// Sound reports whether all messages came once and in order.
func (r *Result) Sound() bool { return r.Lost == 0 && r.Duplicated == 0 && r.Disordered == 0 }

// spend adds what was spent between two moments, for so many things.
func (r *Result) spend(before, after usage, things uint64) {
	elapsed := after.at.Sub(before.at).Seconds()
	r.Seconds = elapsed
	r.PublishesPerSecond = share(float64(r.Published), elapsed)
	r.DeliveriesPerSecond = share(float64(r.Delivered), elapsed)
	if r.Mode == Idle || r.Mode == Connect {
		r.ConnectsPerSecond = share(float64(things), elapsed)
	}
	r.ClientCPUSeconds = (after.self - before.self).Seconds()
	r.ForeignCPU = foreign(before, after)
	if after.server == 0 {
		return
	}
	spent := after.server - before.server
	r.Server = &Cost{
		CPUSeconds: spent.Seconds(), CPUMicros: share(float64(spent)/float64(time.Microsecond), float64(things)),
		RSS: after.rss, PSS: after.pss, Goroutines: after.goroutines, GoroutinesAtFirst: before.goroutines,
	}
}

// hold adds what the connections hold.
func (r *Result) hold(before, settled usage) {
	if r.Server == nil {
		return
	}
	count := float64(r.Connections)
	r.Server.RSS, r.Server.PSS, r.Server.Goroutines = settled.rss, settled.pss, settled.goroutines
	r.Server.RSSPerConnection = share(float64(settled.rss-before.rss), count)
	r.Server.PSSPerConnection = share(float64(settled.pss-before.pss), count)
}

// WriteJSON writes a result as one JSON object.
func WriteJSON(w io.Writer, r *Result) error {
	if err := json.MarshalWrite(w, r, jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Write writes a result for people.
func Write(w io.Writer, r *Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, arguments ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", arguments...) }
	row("connections", "%d over %s", r.Connections, r.Transport)
	if r.ConnectsPerSecond > 0 {
		row("connected", "in %.1f s, %.0f/s", r.Seconds, r.ConnectsPerSecond)
	}
	if r.PublishesPerSecond > 0 {
		row("published", "%d in %.1f s, %.1f/s, %.0f deliveries/s", r.Published, r.Seconds, r.PublishesPerSecond, r.DeliveriesPerSecond)
	}
	if r.Delivered > 0 {
		row("delivered", "%d, %.0f bytes each", r.Delivered, r.WireBytes)
	}
	row("lost, twice, disordered", "%d, %d, %d", r.Lost, r.Duplicated, r.Disordered)
	latency(row, "delivery", r.Delivery)
	latency(row, "acknowledgement", r.Acknowledgement)
	latency(row, "connect", r.Connect)
	r.writeCost(row)
	row("generator CPU", "%.2f s", r.ClientCPUSeconds)
	row("foreign CPU", "%.1f %%", r.ForeignCPU*100)
	return table.Flush()
}

func latency(row func(name, format string, arguments ...any), name string, l Latency) {
	if l.Max > 0 {
		row(name, "p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms", l.P50, l.P99, l.P999, l.Max)
	}
}

// things are what the server's time is divided by.
var things = map[Mode]string{Fanout: "delivery", Publish: "publish", Idle: "connect", Connect: "connect"}

func (r *Result) writeCost(row func(name, format string, arguments ...any)) {
	if r.Server == nil {
		return
	}
	row("server CPU", "%.2f s, %.2f us a %s", r.Server.CPUSeconds, r.Server.CPUMicros, things[r.Mode])
	row("server memory", "%.1f MiB resident, %.1f MiB shared pages divided", mebi(r.Server.RSS), mebi(r.Server.PSS))
	if r.Mode == Idle {
		row("a connection", "%.2f KiB resident, %.2f KiB shared pages divided", r.Server.RSSPerConnection/1024, r.Server.PSSPerConnection/1024)
	}
	if r.Server.Goroutines > 0 {
		row("goroutines", "%d, %d at first", r.Server.Goroutines, r.Server.GoroutinesAtFirst)
	}
}

func mebi(bytes int64) float64 { return float64(bytes) / (1 << 20) }
