// Package e2e proves a running hub against clients that others wrote: go2rtc's HomeKit client and npm's
// hap-controller. It is a module of its own, so that none of them becomes a dependency of Ingle.
package e2e
