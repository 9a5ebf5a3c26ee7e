//! What histories of chance brought to light, each told as an ordinary test.
