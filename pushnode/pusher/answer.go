package pusher

import "strconv"

// Channel is what an answer tells of a channel.
type Channel struct {
	Name          string
	Occupied      bool
	Users         int
	Subscriptions int
	Cached        *Cached // nil: there is none
}

// Cached is the last event of a cache channel.
type Cached struct {
	Data []byte // as it is stored
	TTL  int    // seconds that it is still kept
}

// appendAttributes appends an object with the attributes that were asked for, as far as the channel has them.
func (c *Channel) appendAttributes(dst []byte, info Info) []byte {
	return append(c.appendMembers(append(dst, '{'), info.suiting(c.Name)), '}')
}

// AppendChannel appends the answer to GET …/channels/C.
func (c *Channel) AppendChannel(dst []byte, info Info) []byte {
	dst = strconv.AppendBool(append(dst, `{"occupied":`...), c.Occupied)
	if info != 0 {
		dst = append(dst, ',')
	}
	return append(c.appendMembers(dst, info), '}')
}

// appendMembers appends the attributes with commas between them.
func (c *Channel) appendMembers(dst []byte, info Info) []byte {
	begin := len(dst)
	member := func(name string) {
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
	}
	if info.Has(UserCount) {
		member("user_count")
		dst = strconv.AppendInt(dst, int64(c.Users), 10)
	}
	if info.Has(SubscriptionCount) {
		member("subscription_count")
		dst = strconv.AppendInt(dst, int64(c.Subscriptions), 10)
	}
	if info.Has(CacheInfo) {
		member("cache")
		dst = c.Cached.append(dst)
	}
	return dst
}

func (c *Cached) append(dst []byte) []byte {
	if c == nil {
		return append(dst, "null"...)
	}
	dst = append(AppendText(append(dst, `{"data":`...), c.Data), `,"ttl":`...)
	return append(strconv.AppendInt(dst, int64(c.TTL), 10), '}')
}

// AppendChannels appends the answer to GET …/channels, and to an event that asked for attributes: an object by name, also where it is
// empty.
func AppendChannels(dst []byte, channels []Channel, info Info) []byte {
	dst = append(dst, `{"channels":{`...)
	for i := range channels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(dst, channels[i].Name), ':')
		dst = channels[i].appendAttributes(dst, info)
	}
	return append(dst, "}}"...)
}

// AppendBatch appends the answer to a batch of which an event asked for attributes: one object for each event, in their order.
func AppendBatch(dst []byte, channels []Channel, infos []Info) []byte {
	dst = append(dst, `{"batch":[`...)
	for i := range channels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = channels[i].appendAttributes(dst, infos[i])
	}
	return append(dst, "]}"...)
}

// AppendUsers appends the answer to GET …/channels/C/users.
func AppendUsers(dst []byte, ids []string) []byte {
	dst = append(dst, `{"users":[`...)
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(quote(append(dst, `{"id":`...), id), '}')
	}
	return append(dst, "]}"...)
}
