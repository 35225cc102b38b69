package cachetest

import (
	"bytes"
	"strconv"
)

// isHandshake reports whether a call sets a connection up.
func isHandshake(call []byte) bool {
	name, _, _ := nextCommand(call)
	switch name {
	case "HELLO", "AUTH", "SELECT", "READONLY", "CLIENT":
		return true
	}
	return false
}

// isTracking reports whether a call makes its connection one that hears of writes.
func isTracking(call []byte) bool {
	name, _, _ := nextCommand(call)
	return name == "CLIENT" && bytes.Contains(call, []byte("TRACKING"))
}

// appendFailures appends the answers to a call that fails: failure to each command,
// but within a transaction only to its EXEC, so that a client reads it to the end.
func appendFailures(dst, call []byte, failure string) []byte {
	transaction := false
	for {
		name, rest, ok := nextCommand(call)
		if !ok {
			return dst
		}
		call = rest
		switch {
		case name == "MULTI":
			transaction = true
			dst = append(dst, "+OK\r\n"...)
		case transaction && name != "EXEC":
			dst = append(dst, "+QUEUED\r\n"...)
		default:
			transaction = false
			dst = append(dst, failure...)
		}
	}
}

// nextCommand returns the name of the first command of a call, in upper case, and
// what comes after the command. It reports false, with the name if that is there,
// when the command is not complete, or not in the form that clients use: an array
// of bulk strings.
func nextCommand(call []byte) (name string, rest []byte, ok bool) {
	parts, rest, ok := length(call, '*')
	if !ok {
		return "", nil, false
	}
	for i := range parts {
		var size int
		if size, rest, ok = length(rest, '$'); !ok || len(rest)-2 < size {
			return name, nil, false
		}
		if i == 0 {
			name = upper(rest[:size])
		}
		rest = rest[size+2:]
	}
	return name, rest, parts > 0
}

// upper returns a name in upper case, in the letters that Redis knows.
func upper(name []byte) string {
	name = bytes.Clone(name)
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			name[i] -= 'a' - 'A'
		}
	}
	return string(name)
}

// length reads a line such as "$5".
func length(b []byte, kind byte) (n int, rest []byte, ok bool) {
	line, rest, found := bytes.Cut(b, []byte("\r\n"))
	if !found || len(line) < 2 || line[0] != kind {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	return n, rest, err == nil && n >= 0
}
