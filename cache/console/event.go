package console

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/explain"
)

// An event is what an observer of a cache was told.
type event struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Key    keyText   `json:"key"`
	Text   string    `json:"text"` // a sentence without the key
	Failed bool      `json:"failed,omitempty"`
	Times  int       `json:"times,omitempty"` // of a failure, with the last of its keys

	redisKey string
	store    storing
	cause    string // what failures of one kind have in common
}

// same reports whether two events are one that was kept twice.
func (e *event) same(other *event) bool {
	return e.At.Equal(other.At) && e.Kind == other.Kind && e.Text == other.Text
}

// A storing is what has become of the result of a load.
type storing uint8

const (
	noLoad storing = iota
	stored
	notStored
)

// Kinds of events.
const (
	kindLookup   = "lookup"
	kindLoad     = "load"
	kindStore    = "store" // of what was loaded
	kindWrite    = "write"
	kindError    = "error"
	kindBreaker  = "breaker"
	kindDelivery = "delivery"
	kindNear     = "near"
	kindHot      = "hot"
	kindAudit    = "audit"
)

// maxEventKeys is of how many keys of one load events are kept.
const maxEventKeys = 100

func ofLoad(e *cache.LoadEvent) []event {
	var text strings.Builder
	took := spanOf(e.Duration)
	switch {
	case e.Audit:
		text.WriteString("For an audit: ")
	case e.Background:
		text.WriteString("In the background: ")
	}
	failed := false
	switch e.Outcome {
	case cache.LoadOK:
		fmt.Fprintf(&text, "The loader returned after %s", took)
	case cache.LoadNotFound:
		fmt.Fprintf(&text, "The loader said after %s that the source has none", took)
	case cache.LoadCancelled:
		fmt.Fprintf(&text, "The loader was cancelled after %s, as nobody waited any longer", took)
	case cache.LoadPanicked:
		failed = true
		fmt.Fprintf(&text, "The loader panicked after %s", took)
	default:
		failed = true
		fmt.Fprintf(&text, "The loader failed after %s: %s", took, sentence(e.Err))
	}
	if e.Callers > 1 {
		fmt.Fprintf(&text, "; %d callers shared it", e.Callers)
	}
	if len(e.Keys) > 1 {
		fmt.Fprintf(&text, "; one load of %d keys", len(e.Keys))
	}
	events := make([]event, min(len(e.Keys), maxEventKeys))
	for i := range events {
		events[i] = about(kindLoad, e.Keys[i], text.String()+".")
		events[i].Failed, events[i].cause = failed && i == 0, sentence(e.Err)
	}
	return events
}

// reasons say why what was loaded was not stored, or a write did nothing.
var reasons = map[cache.WriteOutcome]string{
	cache.WriteFenced:       "a write came after the load had begun, or the lease was lost",
	cache.WriteOutOfMemory:  "Redis has reached maxmemory",
	cache.WriteTooLarge:     "a part of it is larger than Redis takes",
	cache.WriteNoPermission: "an ACL of Redis refuses what it needs",
	cache.WriteNoScripts:    "Redis runs no scripts",
	cache.WriteRedisFailed:  "Redis did not answer, or with an error",
	cache.WriteNotEncoded:   "the codec cannot encode it",
	cache.WriteExpired:      "its lifetime was over",
	cache.WriteNoStore:      "the loader asked for that",
	cache.WriteAbsentOff:    "the source has none, and AbsentTTL is Off",
	cache.WriteCancelled:    "nobody waited any longer",
	cache.WriteUnchanged:    "there was nothing to do",
}

// expected are the outcomes that are no failures.
var expected = map[cache.WriteOutcome]bool{
	cache.WriteOK: true, cache.WriteNoStore: true, cache.WriteAbsentOff: true, cache.WriteUnchanged: true,
	cache.WriteFenced: true, cache.WriteExpired: true, cache.WriteCancelled: true,
}

func ofWrite(e *cache.WriteEvent) event {
	loaded := false
	switch e.Op {
	case cache.OpGetOrSet, cache.OpGetOrSetMany, cache.OpRefresh:
		loaded = true
	}
	var text string
	switch {
	case e.Outcome == cache.WriteOK && e.Op == cache.OpDelete:
		text = "Deleted"
	case e.Outcome == cache.WriteOK && e.Op == cache.OpTouch:
		text = "Given a new TTL" + lasting(e.TTL)
	case e.Outcome == cache.WriteOK && e.State == cache.Absent:
		text = "Stored that the source has none" + lasting(e.TTL)
	case e.Outcome == cache.WriteOK:
		text = fmt.Sprintf("Stored, %d bytes%s", e.Bytes, lasting(e.TTL))
	case loaded:
		text = "Not stored: " + reasons[e.Outcome]
	default:
		text = "Not done: " + reasons[e.Outcome]
	}
	if e.Upgraded {
		text += ", made of the version before"
	}
	if e.Err != nil {
		text += ": " + sentence(e.Err)
	}
	event := about(kindWrite, e.Key, fmt.Sprintf("%s, by %s.", text, e.Op))
	event.Failed, event.cause = !expected[e.Outcome], text
	if loaded {
		event.Kind, event.store = kindStore, notStored
		if e.Outcome == cache.WriteOK {
			event.store = stored
		}
	}
	return event
}

func lasting(ttl time.Duration) string {
	switch {
	case ttl == cache.Forever:
		return ", for ever"
	case ttl > 0:
		return ", for " + explain.Span(ttl)
	}
	return ""
}

// states say what a lookup has found.
var states = map[cache.State]string{
	cache.Missing: "Found nothing", cache.Present: "Found the value", cache.Stale: "Found a stale value",
	cache.Absent: "Found that the source has none", cache.Unknown: "Redis did not answer",
}

func ofLookup(e *cache.LookupEvent) event {
	where := ""
	switch e.Source {
	case cache.Near:
		where = " in the near cache"
	case cache.Redis:
		where = " in Redis"
	}
	return about(kindLookup, e.Key, fmt.Sprintf("%s%s, in %s.", states[e.State], where, spanOf(e.Duration)))
}

func ofError(err *cache.Error) event {
	text := string(err.Op)
	for _, cause := range err.Unwrap() {
		if text != string(err.Op) && cause == err.Kind {
			continue
		}
		text += ": " + sentence(cause)
	}
	e := about(kindError, err.Key, text+".")
	e.Failed, e.cause = true, text
	return e
}

func ofBreaker(e *cache.BreakerEvent) event {
	server := "Redis"
	if e.Server != "" {
		server += " at " + e.Server
	}
	event := about(kindBreaker, "", "The breaker has closed: "+server+" is asked again.")
	if e.State == cache.BreakerOpen {
		event.Text, event.Failed = "The breaker has opened: "+server+" is not asked. "+sentence(e.Err), true
		event.cause = server
	}
	return event
}

// deliveries say what has become of the deletes after writes that failed.
var deliveries = map[cache.DeliveryOutcome]string{
	cache.DeliveryDone:    "The delete after a write that failed has been acknowledged",
	cache.DeliveryGivenUp: "The delete after a write that failed was given up",
	cache.BypassBegan:     "Too many deletes are not acknowledged: no key is cached",
	cache.BypassEnded:     "Keys are cached again",
}

func ofDelivery(e *cache.DeliveryEvent) event {
	event := about(kindDelivery, e.Key, deliveries[e.Outcome]+", after "+explain.Span(e.Duration)+".")
	event.Failed = e.Outcome == cache.DeliveryGivenUp || e.Outcome == cache.BypassBegan
	return event
}

func ofNear(e *cache.NearEvent) event {
	if e.State == cache.NearConnected {
		return about(kindNear, "", "Redis tells the near cache of writes.")
	}
	event := about(kindNear, "", "Redis does not tell the near cache of writes, which serves nothing: "+sentence(e.Err))
	event.Failed = true
	return event
}

func ofHot(e *cache.HotEvent) event {
	return about(kindHot, e.Key, fmt.Sprintf("It has become hot: %.1f %% of the lookups of the client.", e.Share*100))
}

// audits say what an audit has found.
var audits = map[cache.AuditResult]string{
	cache.AuditEqual:     "An audit has found what the source has",
	cache.AuditOvertaken: "An audit was overtaken by a write",
	cache.AuditLate:      "An audit has found an old value, which was invalidated late",
	cache.AuditMissed:    "An audit has found an old value, which nobody has invalidated",
}

func ofAudit(e *cache.AuditEvent) event {
	text := audits[e.Result]
	if len(e.Fields) > 0 {
		text += "; these fields differ: " + strings.Join(e.Fields, ", ")
	}
	if e.Repaired {
		text += "; it was replaced"
	}
	event := about(kindAudit, e.Key, fmt.Sprintf("%s, by %s.", text, e.Op))
	event.Failed, event.cause = e.Result == cache.AuditMissed, text
	return event
}

// spanOf is explain.Span with microseconds, for durations that may be short.
func spanOf(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return "less than 1 µs"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	}
	return explain.Span(d)
}

func about(kind, key, text string) event {
	return event{At: time.Now(), Kind: kind, Key: textOf(key, false), Text: clip(text, maxText), redisKey: clip(key, maxEventKey)}
}

const (
	maxText     = 400
	maxEventKey = 1 << 10 // a longer key has no events of its own
)

// sentence is the first line of an error, as those of panics go on with a stack.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return clip(first, maxText)
}

// A keyText is a Redis key to be shown.
type keyText struct {
	Text   string `json:"text"`             // at most 256 bytes
	Base64 []byte `json:"base64,omitempty"` // of a key that is not UTF-8
	Cut    bool   `json:"cut,omitempty"`    // there is more of the key
}

const maxKeyText = 256

// textOf returns a key to be shown; cut says that there is more of it.
func textOf(key string, cut bool) keyText {
	cut = cut || len(key) > maxKeyText
	k := keyText{Text: clip(key, maxKeyText), Cut: cut}
	if !cut && !utf8.ValidString(key) {
		k.Base64 = []byte(key)
	}
	return k
}

// clip returns the beginning of a text, in memory of its own.
func clip(text string, most int) string {
	if len(text) <= most {
		return strings.Clone(text)
	}
	return strings.Clone(text[:most])
}
