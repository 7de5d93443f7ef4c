// error: conversion from 'RunResult<Text>' to non-scalar type 'RunResult<Page>'
#include "../stages.hpp"

auto pipeline = sluice::Pipeline<Page>("count").then(Read());
sluice::RunResult<Page> result =
    sluice::run_pipeline(sluice::PipelineSpec(pipeline, std::vector<Page>{}));
