package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// writeTable writes the medians in Markdown, one line a server. Where a figure is a cost, its ratio to the first server's stands beside.
func writeTable(w io.Writer, c *campaign) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d runs; %d processors shared with the generator; %d bytes of data. ", c.settings.runs, runtime.NumCPU(), payload)
	fmt.Fprintf(&b, "µs are processor time of the server for one delivery, publish or connect; ×: against %s.", c.servers[0].name)
	if c.noisy > 0 {
		fmt.Fprintf(&b, "\n**Not to be trusted:** in %d runs others had more than %.0f %% of the machine.", c.noisy, c.settings.noise*100)
	}
	b.WriteString("\n\n| server |")
	rule := "|---|"
	for _, m := range c.measures {
		for _, f := range m.figures {
			b.WriteString(" " + f.title + " |")
			rule += "---|"
		}
	}
	b.WriteString("\n" + rule + "\n")
	for _, s := range c.servers {
		b.WriteString("| " + s.name + " |" + c.row(s) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// row is the figures of one server.
func (c *campaign) row(s server) string {
	var b strings.Builder
	for _, m := range c.measures {
		for _, f := range m.figures {
			value := c.median(s, m, f)
			fmt.Fprintf(&b, " "+f.form, value)
			if first := c.median(c.servers[0], m, f); f.ratio && first > 0 {
				fmt.Fprintf(&b, " ×%.2f", value/first)
			}
			b.WriteString(" |")
		}
	}
	return b.String()
}

// median is that of a figure over all runs.
func (c *campaign) median(s server, m measure, f figure) float64 {
	var values []float64
	for _, result := range c.results[cell{s.name, m.name}] {
		values = append(values, f.read(result))
	}
	return median(values)
}
