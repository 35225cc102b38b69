package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/store"
)

var deleteCommand = &command{
	name: "delete", args: "KEY...",
	short: "deletes as a cache does",
	long: `
Deletes values as the Delete of a cache does: the value, what its control key says, and the values
of its other versions. What a process loads meanwhile is not stored. A key is that of a value, not
a control key. "-" reads keys from the standard input, one a line, as keys prints them.

The exit code is 1 where nothing of any key was there.
`,
	flags: func(a *app, f *flag.FlagSet) func(context.Context, []string) (int, error) {
		name := f.String("name", "", "the `NAME` of the cache, if the key has several colons")
		return func(ctx context.Context, args []string) (int, error) {
			keys, err := a.keys(args)
			if err != nil {
				return exitUsage, err
			}
			opt := a.options()
			opt.Name = *name
			return a.delete(ctx, keys, opt)
		}
	},
}

// A deleted is the JSON of a key that was deleted.
type deleted struct {
	named
	Value    bool   `json:"value"`    // there was one, of this version or another
	Control  string `json:"control"`  // its state before
	Versions int    `json:"versions"` // of the value that were there
}

func (a *app) delete(ctx context.Context, keys []string, opt explain.Options) (int, error) {
	for _, key := range keys {
		if p := rediskey.Parse(a.prefix, key); p.Role != rediskey.RoleValue {
			text := explain.Printable(key) + " is no value key" + instead(p)
			return exitUsage, usageError(text)
		}
	}
	code := exitNotFound
	for _, key := range keys {
		before, err := explain.Key(ctx, a.rdb, key, opt)
		if err != nil {
			return exitRedis, err
		}
		if err := a.deleteKey(ctx, before); err != nil {
			return exitRedis, fmt.Errorf("%s is not deleted: %w", explain.Printable(key), err)
		}
		d := deleted{named: nameOf(key), Control: before.Control.State, Versions: len(before.Versions)}
		if before.Value != nil {
			d.Versions++
		}
		d.Value = d.Versions > 0
		if d.Value || d.Control != explain.StateNone {
			code = exitOK
		}
		if err := a.print(d, explain.Printable(key)+": "+d.text()); err != nil {
			return exitRedis, err
		}
	}
	return code, nil
}

// instead says which key to delete instead of one that is no value key.
func instead(p rediskey.Parsed) string {
	if p.Plain == "" {
		return ""
	}
	return ": it belongs to " + explain.Printable(p.Plain) + ", which can be deleted"
}

// text says what was there.
func (d deleted) text() (text string) {
	switch {
	case d.Versions > 1:
		text = fmt.Sprintf("deleted, in %d versions", d.Versions)
	case d.Value:
		text = "deleted"
	default:
		text = "there was no value"
	}
	switch d.Control {
	case explain.StateLeased:
		text += "; a load that was running will not be stored"
	case explain.StateAbsent:
		text += "; that the source has none is forgotten"
	case explain.StateEmpty:
		text += "; that it is empty is forgotten"
	case explain.StateIgnored:
		text += "; its control key is deleted"
	}
	return text
}

// deleteKey deletes the key and its versions by the mechanism of caches.
func (a *app) deleteKey(ctx context.Context, r *explain.Report) error {
	plain := rediskey.Parse(a.prefix, r.Key).Plain
	names := rediskey.Names(plain, explain.MaxNames)
	if r.Name != "" {
		names = []string{r.Name}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if err := a.deleteAs(ctx, name, r.Version, r.Key); err != nil {
			return err
		}
	}
	for _, v := range r.Versions {
		if err := a.deleteAs(ctx, rediskey.Parse(a.prefix, v.Key).Name, v.Version, v.Key); err != nil {
			return err
		}
	}
	return nil
}

// deleteAs deletes a key of a family.
func (a *app) deleteAs(ctx context.Context, name string, version int, key string) error {
	s, err := store.New(a.rdb, codec.ShapeString, a.timeout)
	if err != nil {
		return err
	}
	defer s.Close()
	var family rediskey.Family
	if name != "" && (version > 0 || rediskey.Versions(name)) {
		family = rediskey.NewFamily(name, version)
	}
	family.SetPrefix(a.prefix)
	s.SetFamily(family)
	if err := s.Delete(ctx, time.Now().Add(a.timeout), []string{key})[0]; err != nil {
		return errors.New(s.Explain(err).Error())
	}
	return nil
}
