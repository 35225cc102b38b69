package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/store"
)

// maxControl is more than a control key holds that counts.
const maxControl = 512

// look finds out what the keys are: the key itself, the value key, the control key and the
// versions.
func (e *explainer) look(ctx context.Context) error {
	r := e.report
	keys := []string{r.Key}
	if r.ValueKey != "" && r.ValueKey != r.Key {
		keys = append(keys, r.ValueKey)
	}
	cmds, err := e.send(ctx, func(ctx context.Context) (cmds []*client.Command) {
		for _, key := range keys {
			cmds = append(cmds, client.NewSmall(ctx, "type", key), client.NewSmall(ctx, "pttl", key),
				client.NewSmall(ctx, "memory", "usage", key))
		}
		for _, v := range e.versions {
			cmds = append(cmds, client.NewSmall(ctx, "type", keyOf(v)), client.NewSmall(ctx, "pttl", keyOf(v)))
		}
		if c := r.Control; c != nil {
			cmds = append(cmds, client.NewSmall(ctx, "getrange", c.Key, 0, maxControl),
				client.NewSmall(ctx, "pttl", c.Key), client.NewSmall(ctx, "pexpiretime", c.Key))
		}
		return cmds
	})
	if err != nil {
		return err
	}
	values := make([]*Value, len(keys))
	for i := range keys {
		values[i], cmds = e.value(cmds[:3]), cmds[3:]
	}
	last := values[len(values)-1]
	switch {
	case r.ValueKey == r.Key:
		r.Value = last
	case r.ValueKey != "":
		r.Held, r.Value = values[0], last
	default:
		r.Held = last
	}
	for _, v := range e.versions {
		if kind, ok := e.text(cmds[0]); ok && kind != none {
			r.Versions = append(r.Versions, Version{v.Version, keyOf(v), kind, e.number(cmds[1])})
		}
		cmds = cmds[2:]
	}
	if r.Control != nil {
		e.control(cmds)
	}
	return nil
}

// none is what TYPE says of a key that is not there.
const none = "none"

// value reads what the answers to TYPE, PTTL and MEMORY USAGE say of a key.
func (e *explainer) value(cmds []*client.Command) *Value {
	kind, ok := e.text(cmds[0])
	if !ok || kind == none {
		return nil
	}
	return &Value{Type: kind, TTL: e.number(cmds[1]), Memory: e.number(cmds[2])}
}

// control reads what the answers to GETRANGE, PTTL and PEXPIRETIME say of the control key.
func (e *explainer) control(cmds []*client.Command) {
	c := e.report.Control
	held, ok := e.text(cmds[0])
	left := e.number(cmds[1])
	says, counts := store.ReadControl(held)
	switch {
	case !ok && client.IsNoPermission(cmds[0].Err()):
		c.State = StateRefused
		return
	case ok && held == "" && (left == nil || *left == -2):
		c.State = StateNone
		return
	case !ok, !counts, says.Leased && left != nil && *left < 0:
		c.State, c.TTL = StateIgnored, left
		return
	}
	c.TTL, c.Empty = left, says.Empty
	state := StateEmpty
	if says.Absent {
		state = StateAbsent
	}
	if !says.Leased {
		c.State = state
		return
	}
	c.State, c.Touched = StateLeased, says.Touched
	if !says.Absent && says.Empty == nil {
		return
	}
	c.Carries, c.CarriedLeft = state, left
	if ends, err := cmds[2].Int(); says.Ends > 0 && err == nil && left != nil {
		rest := max(says.Ends-(ends-*left), 0) // by the clock of the server
		c.CarriedLeft = &rest
	}
}

// text returns a text that was asked for, and whether it is there.
func (e *explainer) text(cmd *client.Command) (string, bool) {
	text, err := cmd.Text()
	if err != nil {
		e.refused(cmd, err)
	}
	return text, err == nil
}

// number returns a number that was asked for, nil if it is not there.
func (e *explainer) number(cmd *client.Command) *int64 {
	n, err := cmd.Int()
	if err != nil {
		e.refused(cmd, err)
		return nil
	}
	return &n
}

// refused notes a command that an ACL forbids, or that the server does not know.
func (e *explainer) refused(cmd *client.Command, err error) {
	name := strings.ToUpper(cmd.Name())
	if name == "MEMORY" {
		name = "MEMORY USAGE"
	}
	why := "the server does not know it"
	switch {
	case client.RefusesKey(err):
		why = "the user may not read " + Printable(fmt.Sprint(cmd.Args()[keyPlace(cmd)]))
	case client.IsNoPermission(err):
		why = "the user may not send it"
	case !client.IsUnknownCommand(err):
		return
	}
	if says := name + ": " + why; !slices.Contains(e.report.Refused, says) {
		e.report.Refused = append(e.report.Refused, says)
	}
}

// keyPlace is where the key stands among the arguments of a command.
func keyPlace(cmd *client.Command) int {
	if cmd.Name() == "memory" {
		return 2
	}
	return 1
}
