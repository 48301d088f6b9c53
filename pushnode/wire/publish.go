package wire

import "strconv"

// Publish is what a publisher sends: the body of POST /v1/channels/{channel}/messages.
type Publish struct {
	Event   string // empty: the publisher gave none
	Data    []byte // compact JSON; a copy of its own, of any size
	ID      string // empty: the publisher gave none
	Exclude string // id of a session, or empty
}

// DecodePublish reads one publication. body is not kept.
func DecodePublish(body []byte) (Publish, *Error) {
	if publish, found := quickPublish(body); found {
		return publish, nil
	}
	return strictPublish(body)
}

// strictPublish reads a publication, plain or not, and says what is wrong with it.
func strictPublish(body []byte) (Publish, *Error) {
	r := read(body, 0, "")
	defer r.release()
	item, fault := r.publication(false)
	if fault == nil {
		fault = r.end()
	}
	if fault != nil {
		return Publish{}, fault
	}
	return item.Publish, nil
}

// BatchItem is one item of a batch: a publication to one channel or several. Where Err is set it alone was not understood.
type BatchItem struct {
	Publish
	Channels []string
	Err      *Error
}

// DecodeBatch reads the body of POST /v1/messages: at most limit publications, one for each channel of each item. What is wrong
// with one item spoils no other; what is wrong with the whole refuses it.
func DecodeBatch(body []byte, limit int) ([]BatchItem, *Error) {
	items, fault := decodeItems(body, limit)
	if fault != nil {
		return nil, fault
	}
	batch := make([]BatchItem, len(items))
	publications := 0
	for i, item := range items {
		r := item.read()
		batch[i], fault = r.publication(true)
		r.release()
		if fault != nil {
			batch[i] = BatchItem{Err: fault}
		}
		publications += max(1, len(batch[i].Channels))
	}
	if publications > limit {
		return nil, Errorf(CodeInvalidField, "the batch has %d publications; at most %d are allowed", publications, limit)
	}
	return batch, nil
}

// publication reads the object of a publication. named says that it names its channels.
func (r *reader) publication(named bool) (BatchItem, *Error) {
	var item BatchItem
	if fault := r.begin('{', "a publication is a JSON object"); fault != nil {
		return item, fault
	}
	for {
		name, more, fault := r.member()
		if fault != nil {
			return item, fault
		}
		if !more {
			return item, item.complete(r, named)
		}
		if fault := item.readField(r, name, named); fault != nil {
			return item, fault
		}
	}
}

// readField reads the value of a member.
func (b *BatchItem) readField(r *reader, name []byte, named bool) (fault *Error) {
	switch {
	case string(name) == "data":
		b.Data, fault = r.data()
	case string(name) == "event":
		b.Event, fault = r.text(eventProblem)
	case string(name) == "id":
		b.ID, fault = r.text(idProblem)
	case string(name) == "exclude":
		b.Exclude, fault = r.text(idProblem)
	case named && (string(name) == "channel" || string(name) == "channels"):
		fault = b.readChannels(r, string(name) == "channels")
	default:
		fault = r.unknown(name)
	}
	return fault
}

// readChannels reads the value of channel, or of channels.
func (b *BatchItem) readChannels(r *reader, several bool) (fault *Error) {
	if b.Channels != nil {
		return r.errorf(CodeInvalidField, r.nameAt, r.place(), `"channel" and "channels" exclude each other`)
	}
	if several {
		b.Channels, fault = r.channels()
		return fault
	}
	name, fault := r.channel()
	b.Channels = []string{name}
	return fault
}

// complete checks that nothing is missing.
func (b *BatchItem) complete(r *reader, named bool) *Error {
	if named && b.Channels == nil {
		return r.missing("channel")
	}
	if b.Data == nil {
		return r.missing("data")
	}
	return nil
}

// channels reads the array of an item's channels: at least one, none twice.
func (r *reader) channels() ([]string, *Error) {
	if fault := r.begin('[', `"channels" is not an array`); fault != nil {
		return nil, fault
	}
	seen := make(map[string]bool)
	names := []string{}
	for {
		more, fault := r.more()
		if fault != nil {
			return nil, fault
		}
		if !more && len(names) == 0 {
			return nil, r.invalid(`"channels" is empty`)
		}
		if !more {
			return names, nil
		}
		name, fault := r.channel()
		if fault != nil {
			return nil, fault
		}
		if seen[name] {
			return nil, r.errorf(CodeInvalidField, r.valueAt, r.place(), `"channels" has `+strconv.Quote(name)+" twice")
		}
		seen[name] = true
		names = append(names, name)
	}
}
