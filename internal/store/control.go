package store

import (
	"strings"

	"github.com/asidecache/aside/internal/rediskey"
)

// The markers: what a control key holds besides a lease.
const (
	markerAbsent = "N"
	markerEmpty  = "E"
)

// parseControl takes apart what a control key holds: the marker, which stands alone or is
// carried by a lease, and whether there is a lease. Anything else is neither.
// control.lua reads the same, and a test compares the two.
func parseControl(held string) (marker string, leased bool) {
	const size = 1 + rediskey.TokenSize
	if held == markerAbsent || held == markerEmpty {
		return held, false
	}
	if len(held) < size || held[0] != 'L' {
		return "", false
	}
	carried := held[size:]
	if carried == "" {
		return "", true
	}
	switch kind, carried := carried[:1], carried[1:]; kind {
	case markerAbsent, markerEmpty:
		if len(carried) < 16 && isDigits(carried) { // the moment of the marker's expiry
			return kind, true
		}
	case "T":
		first, last, ok := strings.Cut(carried, ":")
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
