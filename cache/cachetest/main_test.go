package cachetest_test

import (
	"testing"

	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
