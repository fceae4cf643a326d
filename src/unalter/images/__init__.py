"""Arrays of pictures: conversion, measures of likeness, sheets."""
