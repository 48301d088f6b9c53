package test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"halley/test/npm"
)

// A client of pusher-js whose connection is cut comes back, to all its channels.
func TestPusherLibrarySurvivesADrop(t *testing.T) {
	t.Parallel()
	playWithCuts(t, "journeys/drop.mjs")
}

// playWithCuts plays a script whose client's connection is cut whenever the script asks.
func playWithCuts(t *testing.T, script string) {
	t.Helper()
	n := startNode(t)
	settings, line := pusherOn(t, n, n), startProxy(t, n.url)
	settings.Nodes[0] = pusherNodeAt(t, line.url)
	play(t, script, settings, func([]any) any {
		line.cut()
		return nil
	})
}

// TestPusherLibrariesOnACluster spreads the clients of each scenario over three nodes, and then kills a node.
func TestPusherLibrariesOnACluster(t *testing.T) {
	t.Parallel()
	nodes := startPlainCluster(t, 3)
	settings := pusherOn(t, nodes...)
	for _, file := range scenarios(t, "scenarios") {
		t.Run(scenarioName(file), func(t *testing.T) { play(t, file, settings, nil) })
	}
	t.Run("death", func(t *testing.T) {
		balancer := startProxy(t, nodes[0].url)
		settings.Nodes[0] = pusherNodeAt(t, balancer.url)
		play(t, "journeys/death.mjs", settings, func([]any) any {
			nodes[0].kill()
			balancer.lead(t, nodes[1].url, nodes[2].url)
			return nil
		})
	})
}

// Clients of pusher-js that resume get each message once, though their connections are cut again and again.
func TestPusherLibraryResumesAfterDrops(t *testing.T) {
	t.Parallel()
	playWithCuts(t, "journeys/resume.mjs")
}

// The same where a node of several dies, and they come back to another.
func TestPusherLibraryResumesOnAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3)
	settings, balancer := pusherOn(t, nodes...), startProxy(t, nodes[0].url)
	settings.Nodes[0] = pusherNodeAt(t, balancer.url)
	play(t, "journeys/resume.mjs", settings, func(question []any) any {
		if question[0] == "kill" {
			nodes[0].kill()
			balancer.lead(t, nodes[2].url)
		}
		balancer.cut()
		return nil
	})
}

// What Pusher's libraries publish reaches native subscribers, and the other way round.
func TestPusherAndNativeClientsShareChannels(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	settings := pusherOn(t, n)
	native := n.createApp("acme", "Pusher "+settings.App.ID) // it is there, and gets keys
	subscriber := openStream(t, n, url.Values{"channel": {"shared"}, "key": {native.PublishableKey}}, "")
	play(t, "journeys/native.mjs", settings, func(question []any) any {
		if question[0] == "received" {
			got, _ := subscriber.nextMessage()
			return []any{got.Event, got.Data}
		}
		body, err := json.Marshal(map[string]any{"event": question[1], "data": question[2]})
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := publish(t, n, native.SecretKey, "shared", string(body)); status != http.StatusCreated {
			t.Errorf("publish: status %d", status)
		}
		return nil
	})
}

// pusher-http-node brings tests of its own for what answers it.
func TestPusherLibrarysOwnTests(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	settings := pusherOn(t, n)
	npm.Install(t, pusherFolder)
	cmd := exec.CommandContext(t.Context(), npm.Node(t), "--test", "own_tests.mjs")
	cmd.Dir = pusherFolder
	address := strings.Replace(n.url, "://", "://"+settings.App.Key+":"+settings.App.Secret+"@", 1) + "/apps/" + settings.App.ID
	cmd.Env = append(cmd.Environ(), "PUSHER_URL="+address)
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "# pass 5") {
		t.Errorf("%v\n%s", err, output)
	}
}

// The owner's server is told what happens in channels, in requests that pusher-http-node takes.
func TestPusherLibraryTakesWebhooks(t *testing.T) {
	t.Parallel()
	n := startNode(t, allowLoopback...)
	settings := pusherOn(t, n)
	play(t, "journeys/webhooks.mjs", settings, func(question []any) any {
		n.admin("add-webhook", "--app", settings.halleyID, question[1].(string))
		return nil
	})
}

// It is told the truth also where a node dies.
func TestPusherWebhooksSurviveTheDeathOfANode(t *testing.T) {
	t.Parallel()
	nodes := startPlainCluster(t, 3, allowLoopback...)
	settings := pusherOn(t, nodes...)
	play(t, "journeys/webhooks_death.mjs", settings, func(question []any) any {
		if question[0] == "kill" {
			nodes[0].kill()
			return nil
		}
		nodes[0].admin("add-webhook", "--app", settings.halleyID, question[1].(string))
		return nil
	})
}

// allowLoopback lets webhooks go to servers of tests.
var allowLoopback = []string{"--allow-private-cidrs", "127.0.0.0/8"}
