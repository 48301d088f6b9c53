package wire

// AppendNative appends the push as a frame of the WebSocket protocol: {"op":…,…}.
func AppendNative(dst []byte, push Push) []byte {
	dst = appendOp(dst, push.Op())
	dst = push.appendFields(dst)
	return append(dst, '}')
}

// AppendReply appends the answer to a command that succeeded: {"op":"ok","ref":…,…}. Ref 0 is left out. reply may be nil.
func AppendReply(dst []byte, ref int64, reply Object) []byte {
	dst = appendRef(appendOp(dst, "ok"), ref)
	if reply != nil {
		dst = reply.appendFields(dst)
	}
	return append(dst, '}')
}

// AppendErrorReply appends the answer to a command that failed: {"op":"error","ref":…,"error":{…}}. Ref 0 is left out.
func AppendErrorReply(dst []byte, ref int64, err *Error) []byte {
	dst = appendRef(appendOp(dst, opError), ref)
	dst = appendObjectMember(dst, "error", err)
	return append(dst, '}')
}

// AppendErrorBody appends the body of an HTTP answer that refuses: {"error":{…}}.
func AppendErrorBody(dst []byte, err *Error) []byte {
	return append(appendObjectMember(append(dst, '{'), "error", err), '}')
}

func appendOp(dst []byte, op string) []byte {
	dst = append(dst, `{"op":"`...)
	dst = append(dst, op...)
	return append(dst, '"')
}
