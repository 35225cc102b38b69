package store

import (
	"strings"

	"github.com/asidecache/aside/internal/rediskey"
)

// The marks: what a control key holds besides a lease.
const (
	markAbsent = "N"
	markEmpty  = "E"
)

// parseControl takes apart what a control key holds: the mark, which stands alone or is
// carried by a lease, and whether there is a lease. Anything else is neither.
// control.lua reads the same, and a test compares the two.
func parseControl(held string) (mark string, leased bool) {
	const size = 1 + rediskey.TokenSize
	if held == markAbsent || held == markEmpty {
		return held, false
	}
	if len(held) < size || held[0] != 'L' {
		return "", false
	}
	note := held[size:]
	if note == "" {
		return "", true
	}
	switch kind, note := note[:1], note[1:]; kind {
	case markAbsent, markEmpty:
		if len(note) < 16 && isDigits(note) { // the moment of the mark's expiry
			return kind, true
		}
	case "T":
		first, last, ok := strings.Cut(note, ":")
		return "", ok && isMoment(first) && isMoment(last)
	}
	return "", false
}

// isMoment reports whether a text is what the scripts write for a PEXPIRETIME.
func isMoment(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && isDigits(s)
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
