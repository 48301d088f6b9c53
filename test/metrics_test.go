package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// awaitGauge waits until a metric of the node has a value.
func (n *node) awaitGauge(name string, want float64) {
	n.tb.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(startPatience); n.gauge(name) != want; <-tick.C {
		if time.Now().After(end) {
			n.tb.Fatalf("%s is %v, want %v", name, n.gauge(name), want)
		}
	}
}

func (n *node) gauge(name string) float64 {
	n.tb.Helper()
	return gauge(n.tb, n.client, n.adminURL, name)
}

// gauge is the value of a metric without labels at an operator's port; -1 where there is none, or no whole answer.
func gauge(tb testing.TB, client *http.Client, adminURL, name string) float64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/metrics", nil)
	if err != nil {
		tb.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return -1
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		var value float64
		if _, err := fmt.Sscanf(line, name+" %g", &value); err == nil {
			return value
		}
	}
	return -1
}
