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

// A Control is what a control key says.
type Control struct {
	Leased  bool  // a process loads the value
	Absent  bool  // the source has no value; behind a lease, as long as that stands
	Empty   []int // the versions whose value is empty, likewise
	Ends    int64 // of what stands behind a lease, in ms since 1970; 0: with the lease
	Touched bool  // the value has got a new TTL while it is loaded
}

// ReadControl takes apart what a control key holds. It reports false for what counts as
// nothing.
func ReadControl(held string) (c Control, ok bool) {
	marker, leased := parseControl(held)
	c.Leased = leased
	switch {
	case marker == markerAbsent:
		c.Absent = true
	case marker == markerEmpty:
		c.Empty = []int{0}
	case marker != "":
		c.Empty = []int{}
		for _, text := range strings.Split(marker, "@")[1:] {
			if version, err := strconv.Atoi(text); err == nil {
				c.Empty = append(c.Empty, version)
			}
		}
	}
	if leased {
		carried := held[1+rediskey.TokenSize:]
		c.Touched = marker == "" && carried != ""
		ends := strings.TrimPrefix(strings.TrimPrefix(carried, marker), ":")
		c.Ends, _ = strconv.ParseInt(ends, 10, 64) // 0 for none, and for what a touch notes
	}
	return c, leased || marker != ""
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
