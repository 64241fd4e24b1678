package blobs_test

func child(role, dir string) {}
