package pushnode

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/session"
	"halley/pushnode/webhook"
	"halley/tenant"
)

// webhooks stands between slots, which know what happened, and package webhook, which tells apps of it. What a slot keeps until it is told is
// taken from its leader, told, and announced as told.
type webhooks struct {
	// immutable after newWebhooks
	directory *tenant.Directory
	engine    *webhook.Engine
	log       *tenant.WebhookLog
	slots     *slots
	told      *toldHooks
	counts    *tellCounts

	refused *refusedHooks

	leads     [slotCount]leadOf // by slot: written under the slot's lock, read by whoever sends
	endpoints sync.Map          // app id -> *hookedApp
}

// leadOf is one lead of a slot by this node, as far as hooks go.
type leadOf struct {
	era    atomic.Uint64 // rises when the slot hands its hooks over anew
	latest uint64        // number of the latest hook that was taken
}

// hookedApp is the endpoints of an app, made of one view of it.
type hookedApp struct {
	view      *tenant.AppView
	endpoints []webhook.Endpoint
}

func newWebhooks(config Config) *webhooks {
	w := &webhooks{directory: config.Directory, log: config.Webhooks, told: newToldHooks(), refused: newRefusedHooks()}
	w.engine = webhook.New(webhook.Config{
		Source: w, Send: config.Post, Log: w, Logger: config.Logger, Registerer: config.Registerer,
	})
	w.counts = newTellCounts(w.engine)
	return w
}

// run tells what there is to tell until ctx ends.
func (w *webhooks) run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { w.engine.Run(ctx) })
	parts.Go(func() { w.told.run(ctx, w.slots) })
	parts.Go(func() { w.refused.run(ctx, w.engine) })
	parts.Go(func() { w.counts.run(ctx) })
	parts.Wait()
}

// watched reports whether an app has endpoints. It looks in memory only.
func (w *webhooks) watched(app string) bool {
	view := w.directory.View(app)
	return view != nil && len(view.Webhooks()) > 0 && view.TakesPusher() && !view.Disabled
}

// Endpoints is webhook.Source. An app whose Pusher side is off has nothing to sign with, and is not told anything.
func (w *webhooks) Endpoints(app string) ([]webhook.Endpoint, webhook.Signer) {
	if !w.watched(app) {
		w.endpoints.Delete(app)
		return nil, webhook.Signer{}
	}
	view := w.directory.View(app)
	side, works := view.PusherSigner(time.Now())
	if !works {
		return nil, webhook.Signer{}
	}
	found, _ := w.endpoints.Load(app)
	made, _ := found.(*hookedApp)
	if made == nil || made.view != view {
		made = &hookedApp{view: view, endpoints: endpointsOf(view)}
		w.endpoints.Store(app, made)
	}
	return made.endpoints, webhook.Signer{Key: side.Key, Secret: side.Secret}
}

func endpointsOf(view *tenant.AppView) []webhook.Endpoint {
	var list []webhook.Endpoint
	for _, target := range view.Webhooks() {
		made := webhook.Endpoint{
			ID: target.ID, App: view.ID, URL: target.URL, Prefix: target.Prefix, Suffix: target.Suffix, Batch: target.Batched,
		}
		for _, name := range target.Events {
			made.Kinds = append(made.Kinds, webhook.Kind(name))
		}
		for _, header := range target.Headers {
			made.Headers = append(made.Headers, webhook.Header(header))
		}
		list = append(list, made)
	}
	return list
}

// Report is webhook.Log.
func (w *webhooks) Report(report webhook.Report) {
	w.log.Add(report.App, tenant.Delivery{
		ID: report.ID, Endpoint: report.Endpoint, Outcome: string(report.Outcome), Status: report.Attempt.Status, Fault: report.Attempt.Fault,
		Duration: report.Attempt.Duration, Attempts: report.Attempts, Events: report.Events, Body: string(report.Body),
		BegunAt: report.Begun, ToldAt: time.Now(), NextAt: report.Next,
	})
}

// hooked takes hooks of a slot that this node leads, as many as there is room for. The caller holds the slot.
func (w *webhooks) hooked(slot int, hooks []channel.Hook) (taken int) {
	lead := &w.leads[slot]
	if hooks[0].Number <= lead.latest {
		lead.era.Add(1) // all over again: another has led the slot meanwhile, or it began anew
	}
	era := lead.era.Load()
	for i := range hooks {
		event := eventOf(w.slots.cluster, slot, &hooks[i])
		number := hooks[i].Number
		event.Done = w.told.of(slot, number)
		event.Void = func() bool { return lead.era.Load() != era || !w.slots.host.HookWaits(slot, number) }
		if !w.engine.Take(event) && !w.refused.add(slot, event) {
			return i
		}
		lead.latest = number
	}
	return len(hooks)
}

// eventOf is a hook as apps are told of it.
func eventOf(cluster uint64, slot int, hook *channel.Hook) webhook.Event {
	event := webhook.Event{
		App: hook.Channel.App, Channel: hook.Channel.Name, UserID: hook.ClientID, Time: hook.Time,
		ID: strconv.FormatUint(cluster, 36) + "-" + strconv.Itoa(slot) + "-" + strconv.FormatUint(uint64(hook.Generation), 36) + "-" +
			strconv.FormatUint(hook.Number, 36),
	}
	switch {
	case hook.ClientID == "" && hook.Present:
		event.Kind = webhook.Occupied
	case hook.ClientID == "":
		event.Kind = webhook.Vacated
	case hook.Present:
		event.Kind = webhook.MemberAdded
	default:
		event.Kind = webhook.MemberRemoved
	}
	return event
}

// counted takes in how many subscribers a channel has. The caller holds the channel's slot.
func (w *webhooks) counted(id channel.ID, count int) {
	if channel.Hidden(id.Name) || strings.HasPrefix(id.Name, "presence-") { // Pusher protocol, "Subscription counting": not for presence channels
		return
	}
	endpoints, _ := w.Endpoints(id.App)
	for i := range endpoints {
		if endpoints[i].Wants(webhook.SubscriptionCount, id.Name) {
			w.counts.set(id, count, time.Now())
			return
		}
	}
}

// ClientEvent is told of an event that a client of Pusher's sent.
func (n *Node) ClientEvent(id channel.ID, sent session.ClientEvent) {
	if n.webhooks.watched(id.App) {
		n.webhooks.engine.Take(webhook.Event{
			App: id.App, Kind: webhook.ClientEvent, Channel: id.Name, Time: time.Now().UnixMilli(),
			Name: sent.Event, Data: sent.Data, SocketID: sent.SocketID, UserID: sent.UserID,
		})
	}
}

// CacheMissed is told of a subscriber for whom a cache channel holds nothing.
func (n *Node) CacheMissed(id channel.ID) {
	if n.webhooks.watched(id.App) {
		n.webhooks.engine.Take(webhook.Event{App: id.App, Kind: webhook.CacheMiss, Channel: id.Name, Time: time.Now().UnixMilli()})
	}
}
