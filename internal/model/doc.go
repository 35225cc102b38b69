// Package model
package model
