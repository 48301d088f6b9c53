package cluster

import "testing"

func TestSightingsKeepTheLastOfEach(t *testing.T) {
	q, meta := newSightings(), []byte{1}
	q.put(sighting{name: "a", meta: meta, living: true})
	meta[0] = 9 // memberlist's bytes are not ours to keep
	q.put(sighting{name: "b", living: true})
	q.put(sighting{name: "b", living: false})
	<-q.ready
	got := q.take()
	if len(got) != 2 || got[0].name != "a" || got[0].meta[0] != 1 || got[1].living {
		t.Errorf("got %+v", got)
	}
	if len(q.take()) != 0 || len(q.ready) != 0 {
		t.Error("sightings are taken twice")
	}
}
