package console

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/explain"
)

// maxKey is the longest key that is explained, in bytes.
const maxKey = 16 << 10

// explainTimeout is how long an explanation waits for Redis.
const explainTimeout = 3 * time.Second

// keyOf returns the Redis key that a request names, or answers what is wrong with it.
func keyOf(w http.ResponseWriter, form url.Values, m cache.Member) (key string, ok bool) {
	key = form.Get("key")
	if encoded := form.Get("key64"); encoded != "" {
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			fail(w, http.StatusBadRequest, "key64 is not base64")
			return "", false
		}
		key = string(raw)
	}
	switch {
	case key == "":
		fail(w, http.StatusBadRequest, "say which key")
		return "", false
	case len(key) > maxKey:
		fail(w, http.StatusBadRequest, fmt.Sprintf("the key is longer than %d bytes", maxKey))
		return "", false
	}
	return m.RedisKey(key), true
}

// An explanation says why a key is as it is.
type explanation struct {
	settings
	Cache string          `json:"cache"`
	Key   keyText         `json:"key"` // the Redis key
	Redis *explain.Report `json:"redis"`
	Error string          `json:"error,omitempty"` // why Redis tells nothing

	// What this process knows.
	Near      bool     `json:"near"` // its near cache answers for the key
	Loads     []load   `json:"loads"`
	Events    []event  `json:"events"` // the last first
	Sentences []string `json:"sentences"`
}

// explain answers with what there is to say of a key.
func (c *console) explain(w http.ResponseWriter, r *http.Request) {
	c.watch()
	form := r.URL.Query() // a body is not read
	m, ok := c.cacheOf(w, form)
	if !ok {
		return
	}
	key, ok := keyOf(w, form, m.Member)
	if !ok {
		return
	}
	now := time.Now()
	e := explanation{
		settings: c.settings(now), Cache: m.id, Key: textOf(key, false), Near: m.IsNear(key),
		Loads: []load{}, Events: orNone(c.recorded(m.Member).of(key)),
	}
	for _, l := range m.Loads() {
		if l.Key == key {
			e.Loads = append(e.Loads, loadOf(&l))
		}
	}
	e.Sentences = orNone(c.sentences(&e, m.Member, now))
	var err error
	e.Redis, err = explain.Key(r.Context(), m.Client(), key, explain.Options{
		ControlPrefix: m.ControlPrefix(), Name: m.Name(), ShowValue: c.showsValues, Timeout: explainTimeout,
	})
	if r.Context().Err() != nil { // nobody waits for the answer
		return
	}
	if err != nil {
		e.Error = "Nobody knows what Redis has of the key: " + sentence(err) + "."
	}
	reply(w, http.StatusOK, e)
}

// sentences say what this process knows of the key.
func (c *console) sentences(e *explanation, m cache.Member, now time.Time) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	stats := m.Stats()
	switch {
	case e.Near:
		add("The near cache of this process has it, and answers without Redis.")
	case stats.NearState == cache.NearDisconnected:
		add("The near cache of this process serves nothing, as Redis does not tell it of writes.")
	case stats.NearState == cache.NearConnected || stats.NearEntries > 0:
		add("The near cache of this process does not have it.")
	}
	for _, l := range e.Loads {
		add("In this process it is being loaded, for %s: %s; %s.",
			explain.Span(time.Duration(l.Age)*time.Millisecond), l.Phase, waiting(l.Waiting))
	}
	for _, event := range e.Events {
		if event.store == noLoad {
			continue
		}
		add("What this process loaded last, %s ago: %s", explain.Span(now.Sub(event.At)), event.Text)
		break
	}
	if stats.Breaker == cache.BreakerOpen {
		add("The breaker is open: Redis has not answered, and is not asked.")
	}
	if stats.Bypassed {
		add("No key is cached now, as too many deletes are not acknowledged.")
	}
	return all
}

func waiting(callers int) string {
	switch callers {
	case 0:
		return "nobody waits for it"
	case 1:
		return "1 caller waits"
	}
	return fmt.Sprintf("%d callers wait", callers)
}

// maxForm bounds the body of a request, in bytes: a key and its cache take less.
const maxForm = 64 << 10

// invalidate deletes a key.
func (c *console) invalidate(w http.ResponseWriter, r *http.Request) {
	if !c.invalidates {
		fail(w, http.StatusForbidden, "this console invalidates nothing: the service has not passed AllowInvalidate")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		fail(w, http.StatusBadRequest, "the form cannot be read")
		return
	}
	m, ok := c.cacheOf(w, r.PostForm) // nothing is deleted that stands in an address
	if !ok {
		return
	}
	key, ok := keyOf(w, r.PostForm, m.Member)
	if !ok {
		return
	}
	// The delete goes on if the browser disconnects: half done, it would leave the key uncertain.
	switch err := m.Delete(context.WithoutCancel(r.Context()), key); {
	case errors.Is(err, cache.ErrClosed):
		fail(w, http.StatusNotFound, "the cache is closed")
	case err != nil:
		fail(w, http.StatusBadGateway, "It was not acknowledged: "+sentence(err)+
			". This process does not use what Redis has of the key, and deletes it once Redis answers.")
	default:
		reply(w, http.StatusOK, struct {
			Cache   string  `json:"cache"`
			Key     keyText `json:"key"`
			Deleted bool    `json:"deleted"`
		}{m.id, textOf(key, false), true})
	}
}
