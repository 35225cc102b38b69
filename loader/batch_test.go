package loader_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asidecache/aside/loader"
)

func TestBatchErrorText(t *testing.T) {
	tests := []struct {
		keys []string
		want string
	}{
		{[]string{"a"}, "1 of the keys failed: key a: source is down"},
		{[]string{"c", "a", "b"}, "3 of the keys failed: " +
			"key a: source is down; key b: source is down; key c: source is down"},
		{[]string{"e", "d", "c", "b", "a"}, "5 of the keys failed: " +
			"key a: source is down; key b: source is down; key c: source is down; and 2 more"},
	}
	for _, tt := range tests {
		errs := make(map[string]error)
		for _, key := range tt.keys {
			errs[key] = errDown
		}
		err := &loader.BatchError[string]{Errs: errs}
		if got := err.Error(); got != tt.want {
			t.Errorf("text %q, want %q", got, tt.want)
		}
	}
	err := &loader.BatchError[string]{Errs: map[string]error{"a": errDown}, Call: "aside: GetMany user", Keys: 12}
	if got, want := err.Error(), "aside: GetMany user: 1 of 12 keys failed: key a: source is down"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestEachCountsTheKeys(t *testing.T) {
	load := loader.Each(func(_ context.Context, key string) (string, error) {
		if key == "bad" {
			return "", errDown
		}
		return key, nil
	}, 2)
	_, err := load(t.Context(), []string{"a", "bad", "c", "a"})
	if want := "1 of 3 keys failed: key bad: source is down"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestBatchErrorUnwraps(t *testing.T) {
	var err error = &loader.BatchError[int]{Errs: map[int]error{1: errDown, 2: errNoRows}}
	if !errors.Is(err, errDown) || !errors.Is(err, errNoRows) || errors.Is(err, loader.ErrNotFound) {
		t.Errorf("%v does not unwrap to the errors of its keys", err)
	}
}
