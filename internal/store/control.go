package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/asidecache/aside/internal/rediskey"
)

// The markers: what a control key holds besides a lease.
const (
	markerAbsent = "N"
	markerEmpty  = "E" // of a version other than 0, "@" and that follow
)

// maxControl bounds what a control key holds: markers go to the client and back.
const maxControl = 512

// markerEmpty is how the store says that a value is empty; nothing if none can be. The value of
// one version says nothing of those of others, whose fields are different ones.
func (s *Store) markerEmpty() string {
	switch {
	case !s.HoldsEmpties():
		return ""
	case s.family.Version() == 0:
		return markerEmpty
	}
	return markerEmpty + "@" + strconv.Itoa(s.family.Version())
}

// isEmpty reports whether a marker says that the store's value is empty. It may say that of
// several versions.
func (s *Store) isEmpty(marker string) bool {
	if !s.HoldsEmpties() || !strings.HasPrefix(marker, markerEmpty) {
		return false
	}
	version := s.family.Version()
	if marker == markerEmpty {
		return version == 0
	}
	return slices.Contains(strings.Split(marker, "@")[1:], strconv.Itoa(version))
}

// parseControl takes apart what a control key holds: the marker, which stands alone or is
// carried by a lease, and whether there is a lease. Anything else is neither.
// control.lua reads the same, and a test compares the two.
func parseControl(held string) (marker string, leased bool) {
	const size = 1 + rediskey.TokenSize
	if len(held) > maxControl {
		return "", false
	}
	if held == markerAbsent || held == markerEmpty || isVersions(held) {
		return held, false
	}
	if len(held) < size || held[0] != 'L' {
		return "", false
	}
	carried := held[size:]
	if carried == "" {
		return "", true
	}
	if marker, ends, ok := strings.Cut(carried, ":"); ok && isVersions(marker) {
		ok = len(ends) < 16 && isDigits(ends)
		if !ok {
			marker = ""
		}
		return marker, ok
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

// isVersions reports whether a text is the marker of empty values of versions.
func isVersions(s string) bool {
	return strings.HasPrefix(s, "E@") && strings.Trim(s[2:], "@0123456789") == ""
}

// isMoment reports whether a text is what the scripts write for a PEXPIRETIME.
func isMoment(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && isDigits(s)
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
