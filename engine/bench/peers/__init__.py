"""The contestants, one module each: ours, and each library as somebody who knows it well would use it.

A library is imported when its contestant is made, since most people have only some of them.
"""
