package client

import (
	"reflect"
	"testing"
)

// Calls that are sent as one command have their keys by position, and the arguments that all have
// in common once.
func TestMergedArguments(t *testing.T) {
	sc := NewScript("return 1")
	for name, tt := range map[string]struct {
		calls []Call
		want  []any // behind the script
	}{
		"all in common": {
			[]Call{
				{Keys: []any{"a", "a1"}, Args: []any{"t", int64(5), true, 7}},
				{Keys: []any{"b", "b1"}, Args: []any{"t", int64(5), true, 7}},
			},
			[]any{4, "a", "b", "a1", "b1", "t", int64(5), true, 7, "cccc", 2},
		},
		"some": {
			[]Call{
				{Keys: []any{"a"}, Args: []any{"t", "x", "px", 1}},
				{Keys: []any{"b"}, Args: []any{"t", "y", "px", 1}},
				{Keys: []any{"c"}, Args: []any{"t", "x", "px", 2}},
			},
			[]any{3, "a", "b", "c", "t", "px", "x", 1, "y", 1, "x", 2, "coco", 3},
		},
		"values, which are not compared": {
			[]Call{{Keys: []any{"a"}, Args: []any{[]byte("v")}}, {Keys: []any{"b"}, Args: []any{[]byte("v")}}},
			[]any{2, "a", "b", []byte("v"), []byte("v"), "o", 2},
		},
		"of other types": {
			[]Call{{Keys: []any{"a"}, Args: []any{1}}, {Keys: []any{"b"}, Args: []any{int64(1)}}},
			[]any{2, "a", "b", 1, int64(1), "o", 2},
		},
		"none": {
			[]Call{{Keys: []any{"a"}}, {Keys: []any{"b"}}},
			[]any{2, "a", "b", "", 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := mergedCall(Pointers(tt.calls))
			for _, call := range m {
				call.Script = sc
			}
			got := m.command(t.Context(), ByHash).Args()
			if want := append([]any{"evalsha", sc.many.hash}, tt.want...); !reflect.DeepEqual(got, want) {
				t.Errorf("sent as %q, want %q", got, want)
			}
		})
	}
}
